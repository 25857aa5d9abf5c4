/**
 * The cases of jq's own test files that are not answered, and why; every other case is answered as jq does.
 * `jq-tests.spec.ts` fails when a case is here that is answered, and when one is not here that is not.
 *
 * - refused: JqUnsupportedError when compiled
 * - stopped: JqBudgetError when run
 * - not JSON: the input is none, and nothing reaches an expression here that is not JSON
 */
export const LEFT: readonly { outcome: 'refused' | 'stopped' | 'not JSON'; why: string; tests: string }[] = [
  {
    outcome: 'refused',
    why: 'modules',
    tests: `jq.test:1900 jq.test:1904 jq.test:1908 jq.test:1912 jq.test:1917 jq.test:1921 jq.test:1925 jq.test:1929
      jq.test:1946 jq.test:1952 jq.test:1964 jq.test:1969 jq.test:1973 jq.test:1977 jq.test:1982 jq.test:1993`,
  },
  {
    outcome: 'refused',
    why: 'literals that no double holds as they are written',
    tests: `jq.test:593 jq.test:661 jq.test:668 jq.test:674 jq.test:2204 jq.test:2232 jq.test:2271 jq.test:2275
      man.test:9 man.test:13 man.test:17 man.test:25`,
  },
  {
    outcome: 'refused',
    why: 'have_decnum: numbers are doubles here',
    tests: 'jq.test:2014 jq.test:2196 jq.test:2200 jq.test:2224 jq.test:2228 man.test:21',
  },
  {
    outcome: 'refused',
    why: 'what reaches outside: env, input, debug, the list of builtins',
    tests: 'jq.test:2157 jq.test:2161 jq.test:2165 jq.test:2169 jq.test:2337 jq.test:2341 man.test:686 man.test:690',
  },
  {
    outcome: 'refused',
    why: 'strptime and local time: they are those of a C library',
    tests: `jq.test:1872 jq.test:1885 jq.test:1889 jq.test:1895 jq.test:2548 man.test:746 man.test:750`,
  },
  {
    outcome: 'refused',
    why: 'functions whose last digit is that of a C library',
    tests: 'jq.test:851 jq.test:855 jq.test:2067 jq.test:2071',
  },
  { outcome: 'refused', why: 'functions that are internal to jq', tests: 'jq.test:1553 jq.test:1557' },
  { outcome: 'refused', why: 'the regex flag x', tests: 'manonig.test:13 onig.test:104' },
  {
    outcome: 'refused',
    why: 'a regex that repeats a group which can match nothing',
    tests: 'onig.test:54 onig.test:60',
  },
  {
    outcome: 'stopped',
    why: 'values nested 10,000 deep, or three billion characters',
    tests: `jq.test:1641 jq.test:2558 jq.test:2563 jq.test:2568 jq.test:2573 jq.test:2602 jq.test:2607 jq.test:2611
      jq.test:2616 jq.test:2621 jq.test:2625 jq.test:2629 jq.test:2633`,
  },
  {
    outcome: 'not JSON',
    why: 'a byte order mark, NaN and Infinity',
    tests: 'jq.test:48 jq.test:1306 jq.test:2319 jq.test:2407',
  },
];

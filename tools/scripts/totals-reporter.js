// A Jest reporter that leaves the totals in the file that SPILLWAY_TEST_TOTALS names, for tools/scripts/test.js.
'use strict';
const { writeFileSync } = require('node:fs');

module.exports = class TotalsReporter {
  onRunComplete(_contexts, results) {
    const totals = {
      passed: results.numPassedTests,
      // A file that could not be run has no tests to count.
      failed: results.numFailedTests + results.numRuntimeErrorTestSuites,
      skipped: results.numPendingTests + results.numTodoTests,
    };
    writeFileSync(process.env.SPILLWAY_TEST_TOTALS, JSON.stringify(totals));
  }
};

import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

const PAGES = ['*.md', '{docs,libs,apps,tools,k8s,docker}/**/*.md'];
const LINK = /\]\(([^)\s]+)\)/g;
/** A path of this repository in code quotes. */
const PATH = /`((?:docs|libs|apps|tools|k8s|docker)\/[\w./-]+)`/g;
/** Stands for many, or is made when it is run. */
const NOT_ONE = /NAME|^docker\/secrets\//;

/** Relative links, their anchors, and paths in code quotes that lead nowhere, one line for each. */
export function brokenLinks(): string[] {
  return globSync(PAGES, { exclude: (path) => /(^|\/)node_modules$/.test(path) }).flatMap((page) => {
    const text = proseOf(page);
    const links = [...text.matchAll(LINK)].map(([, link]) => link!).filter((link) => !/^[a-z]+:/.test(link));
    const paths = [...text.matchAll(PATH)].map(([, path]) => path!).filter((path) => !NOT_ONE.test(path));
    return [
      ...links.filter((link) => !leadsSomewhere(page, link)).map((link) => `${page}: the link ${link} leads nowhere`),
      ...paths.filter((path) => !existsSync(path)).map((path) => `${page}: there is no ${path}`),
    ];
  });
}

function leadsSomewhere(page: string, link: string): boolean {
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? page : join(dirname(page), decodeURI(path));
  if (!existsSync(target)) return false;
  return anchor === undefined || (statSync(target).isFile() && anchorsOf(target).has(anchor));
}

/** As GitHub makes them from headings. */
function anchorsOf(page: string): Set<string> {
  const headings = [...proseOf(page).matchAll(/^#{1,6} +(.+)$/gm)].map(([, heading]) => heading!);
  const words = headings.map((heading) => heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase());
  return new Set(
    words.map((heading) =>
      heading
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .trim()
        .replace(/\s/g, '-'),
    ),
  );
}

function proseOf(page: string): string {
  return readFileSync(page, 'utf8').replace(/^(```|~~~)[^]*?^\1.*$/gm, '');
}

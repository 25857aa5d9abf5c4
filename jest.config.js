// The whole run: `npm test`. Each lib and app is a Jest project of its own, so `nx test <name>` runs one of them.
const { existsSync, readdirSync } = require('node:fs');

const projects = ['libs', 'apps', 'tools'].flatMap((folder) =>
  existsSync(folder)
    ? readdirSync(folder)
        .map((name) => `${folder}/${name}`)
        .filter((project) => existsSync(`${project}/jest.config.js`))
    : [],
);

module.exports = {
  testTimeout: 30_000,
  projects: projects.map((project) => `<rootDir>/${project}`),
};

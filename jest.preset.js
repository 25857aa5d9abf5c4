// Shared by every project's jest.config.js: TypeScript through SWC, one embedded PostgreSQL and one Redis per run.
const path = require('node:path');

module.exports = {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/src/**/*.spec.ts', '<rootDir>/test/**/*.spec.ts'],
  transform: { '^.+\\.[cm]?ts$': ['@swc/jest', { configFile: path.join(__dirname, '.swcrc'), swcrc: false }] },
  moduleFileExtensions: ['ts', 'mts', 'js', 'mjs', 'cjs', 'json', 'node'],
  modulePathIgnorePatterns: ['<rootDir>/dist/'],
};

module.exports = {
  ...require('../../jest.preset.js'),
  displayName: 'sources',
  rootDir: __dirname,
  // It exports for `import` only, and Jest resolves for `require`.
  moduleNameMapper: {
    '^@octokit/webhooks-methods$': '<rootDir>/../../node_modules/@octokit/webhooks-methods/dist-node/index.js',
  },
};

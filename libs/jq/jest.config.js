module.exports = {
  ...require('../../jest.preset.js'),
  displayName: 'jq',
  rootDir: __dirname,
  // Within Jest's context each look at a global is a call, and these are looked at in loops.
  sandboxInjectedGlobals: ['Array', 'Map', 'Math', 'Number', 'Object', 'RegExp', 'Set', 'String', 'Uint8Array'],
};

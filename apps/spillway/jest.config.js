module.exports = { ...require('../../jest.preset.js'), displayName: 'spillway', rootDir: __dirname };

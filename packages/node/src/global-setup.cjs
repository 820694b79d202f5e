'use strict'

// One server for a whole test run, as the global setup of Vitest, Jest or Playwright. Workers find it by the variable.

const { runningSts } = require('./helseid.cjs')
const { VARIABLES } = require('./server.cjs')

/** Starts it, unless one is given; returns what ends it, which Jest does not call: there it ends with the process. */
async function globalSetup() {
  const sts = await runningSts()
  const before = process.env[VARIABLES.url]
  process.env[VARIABLES.url] = sts.url
  return async () => {
    if (before === undefined) delete process.env[VARIABLES.url]
    await sts.stop()
  }
}

module.exports = globalSetup
module.exports.default = globalSetup

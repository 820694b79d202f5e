'use strict'

// Fixtures for Playwright Test: test.extend(fixtures). They import nothing of Playwright, so that there is one of it.

const { runningSts } = require('./helseid.cjs')

/** Entries of the journal that a failed test shows. */
const SHOWN = 20

const fixtures = {
  /** Options of runningSts for the server of a worker, where no server is given by HELSEID_MOCK_URL. */
  helseidOptions: [{}, { option: true, scope: 'worker' }],

  /** Settings and the like of each test's environment; null: the environment at the root, which tests share. */
  helseidEnvironment: [{}, { option: true }],

  /** Who the browser of `page` and `context` is: a short name or a pid; null: the pages ask. */
  persona: [null, { option: true }],

  /** The environment at the root of the server. */
  helseidServer: [
    async ({ helseidOptions }, use) => {
      const sts = await runningSts(helseidOptions)
      await use(sts)
      await sts.stop()
    },
    { scope: 'worker', timeout: 120_000 },
  ],

  /** The environment of this test. */
  helseid: async ({ helseidServer, helseidEnvironment }, use, testInfo) => {
    if (helseidEnvironment === null) return use(helseidServer)
    const sts = await helseidServer.environment(helseidEnvironment)
    await use(sts)
    if (testInfo.status !== testInfo.expectedStatus) {
      const refused = (await sts.journal({ outcome: 'refused' })).slice(0, SHOWN)
      if (refused.length > 0) {
        const body = refused.map(explained).join('\n')
        await testInfo.attach('refused by Mock HelseID STS', { body, contentType: 'text/plain' })
      }
    }
    await sts.stop()
  },

  /** `context`, in which every login is that of `persona`. */
  context: async ({ context, helseid, persona }, use) => {
    if (persona !== null) await become(context, helseid, persona)
    await use(context)
  },

  /** Makes the browser of a context, `context` where none is given, that of a person from now on. */
  loginAs: async ({ context, helseid }, use) => {
    await use((persona, other = context) => become(other, helseid, persona))
  },

  /** A new page in a browser context of its own, in which every login is that of a person. */
  newPerson: async ({ browser, contextOptions, baseURL, helseid }, use) => {
    const contexts = []
    await use(async (persona, options = {}) => {
      const context = await browser.newContext({ baseURL, ...contextOptions, ...options })
      contexts.push(context)
      await become(context, helseid, persona)
      return context.newPage()
    })
    await Promise.all(contexts.map((context) => context.close()))
  },
}

/** A refused request in words: where, who, what was expected, what came, and what to do. */
function explained({ endpoint, client_id: client, error, rule, findings }) {
  const broken = (findings.broken ?? []).find((one) => one.rule === rule)
  const why = broken ? `: expected ${broken.expected}, not ${broken.observed}. ${broken.remedy}` : ''
  return `${endpoint} of ${client ?? 'an unknown client'}: ${error}, rule ${rule}${why}`
}

async function become(context, helseid, persona) {
  const answer = await context.request.get(helseid.loginUrl(persona), { maxRedirects: 0 })
  if (answer.status() >= 400) throw new Error(`no person ${JSON.stringify(persona)} here: ${await answer.text()}`)
}

exports.fixtures = fixtures

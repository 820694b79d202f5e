// Each test has an environment of HelseID, and an application that is registered there.
import { test as base } from '@playwright/test'
import { fixtures } from 'mock-sts/playwright'
import { startApplication } from './application.mjs'

export { expect } from '@playwright/test'

export const test = base.extend(fixtures).extend({
  application: async ({ helseid }, use) => {
    const client = await helseid.client('the-application', {
      redirect_uris: ['http://localhost/callback'], // on any port, as HelseID's test has it for localhost
      post_logout_redirect_uris: ['http://localhost/'],
    })
    const application = await startApplication({ issuer: helseid.issuer, client })
    await use(application)
    await application.stop()
  },
})

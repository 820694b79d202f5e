import { defineConfig } from '@playwright/test'

export default defineConfig({
  globalSetup: 'mock-sts/global-setup', // one server for all workers
  fullyParallel: true,
  workers: 2,
  // CHROMIUM names a browser that is there already; without it Playwright takes its own.
  use: { browserName: 'chromium', launchOptions: { executablePath: process.env.CHROMIUM || undefined } },
})

import type { BrowserContext, BrowserContextOptions, Fixtures, Page, PlaywrightTestArgs, PlaywrightTestOptions, PlaywrightWorkerArgs, PlaywrightWorkerOptions } from '@playwright/test'
import type { Helseid, Persona, StsOptions } from './index.cjs'

export interface HelseidTestOptions {
  /** Settings and the like of each test's environment; null: the environment at the root, which tests share. */
  helseidEnvironment: NonNullable<Parameters<Helseid['environment']>[0]> | null
  /** Who the browser of `page` and `context` is: a short name or a pid; null: the pages ask. */
  persona: string | null
}

export interface HelseidTestArgs {
  /** The environment of this test. */
  helseid: Helseid
  /** Makes the browser of a context, `context` where none is given, that of a person from now on. */
  loginAs(persona: string | Persona, context?: BrowserContext): Promise<void>
  /** A new page in a browser context of its own, in which every login is that of a person. */
  newPerson(persona: string | Persona, options?: BrowserContextOptions): Promise<Page>
}

export interface HelseidWorkerArgs {
  /** Options of runningSts for the server of a worker, where no server is given by HELSEID_MOCK_URL. */
  helseidOptions: StsOptions
  /** The environment at the root of the server. */
  helseidServer: Helseid
}

/** Fixtures for `test.extend(fixtures)`. */
export const fixtures: Fixtures<
  HelseidTestOptions & HelseidTestArgs,
  HelseidWorkerArgs,
  PlaywrightTestArgs & PlaywrightTestOptions,
  PlaywrightWorkerArgs & PlaywrightWorkerOptions
>

import { test as base, expect } from '@playwright/test'
import { runningSts, Helseid, ControlError, type Persona } from 'mock-sts'
import { fixtures } from 'mock-sts/playwright'
import setup from 'mock-sts/global-setup'
const test = base.extend(fixtures)
test.use({ persona: 'x', helseidEnvironment: { settings: { enforcement: 'strict' } } })
test('a', async ({ page, helseid, loginAs, newPerson }) => {
  const client = await helseid.client('my-web', { redirect_uris: ['http://localhost/cb'] })
  await loginAs('gp-two-offices')
  const other: import('@playwright/test').Page = await newPerson('nurse')
  expect(client.clientId).toBe('x')
  await other.goto('/')
})
async function f(): Promise<void> {
  await using sts = await runningSts({ settings: { access_token_lifetime: 1 } })
  const t = await sts.token({ audience: 'a' })
  const text: string = `${t}`
  const p: Persona = await sts.persona('x')
  await sts.loginAs(p, { client_id: 'x' })
  await sts.clock.advance('PT2H')
  try { await sts.journal() } catch (e) { if (e instanceof ControlError && e.reason === 'older-server') throw e }
  const end = await setup(); await end()
  // @ts-expect-error no such outcome
  await sts.nextLogin({ outcome: 'nix' })
  // @ts-expect-error no constructor
  new Helseid()
}

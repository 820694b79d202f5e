// What tests steer: each noun of the package once, against a server that this file starts.
import assert from 'node:assert/strict'
import { createHash, createPublicKey, verify as verifySignature } from 'node:crypto'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { after, before, beforeEach, test } from 'node:test'
import { Helseid, VerificationError, runningSts } from 'mock-sts'

let server
let sts

before(async () => {
  server = await runningSts({ settings: { access_token_lifetime: 700 } })
})

beforeEach(async () => {
  sts = await server.environment()
})

after(() => server.stop())

async function fetched(url) {
  return (await fetch(url)).json()
}

test('a server has an issuer, its settings and a database of its own', async () => {
  assert.match(server.issuer, /^http:\/\/localhost:\d+$/)
  assert.equal(server.name, 'default')
  assert.equal(server.url, server.issuer)
  const discovery = await fetched(`${server.issuer}/.well-known/openid-configuration`)
  assert.equal(discovery.issuer, server.issuer)
  const { exp, nbf } = (await server.token({ audience: 'mock:demo-api' })).claims
  assert.equal(exp - nbf, 700)
})

test('require gives the same as import', () => {
  assert.equal(createRequire(import.meta.url)('mock-sts').runningSts, runningSts)
})

test('an environment has an issuer and a world of its own, and ends', async () => {
  assert.equal(sts.issuer, `${server.issuer}/env/${sts.name}`)
  const named = await server.environment({ name: 'w1', settings: { enforcement: 'strict' } })
  assert.equal(named.issuer, `${server.issuer}/env/w1`)
  const settings = await named.control.call('GET', '/settings')
  assert.ok(JSON.stringify(settings).includes('"strict"'))
  await named.client('only-here')
  await assert.rejects(sts.control.call('GET', '/clients/only-here'), { reason: 'refused', status: 404 })
  const same = await Helseid.at(server.url, { environment: 'w1' })
  assert.equal(same.name, 'w1')
  assert.equal((await Helseid.at(named.issuer)).issuer, named.issuer)
  await same.stop() // was there before
  assert.equal((await named.control.call('GET', '/clients/only-here')).client_id, 'only-here')
  await named.stop()
  await named.stop()
  assert.deepEqual((await server.control.call('GET', '/environments')).items.map((one) => one.name).includes('w1'), false)
})

test('a client is a machine, or logs people in', async () => {
  const machine = await sts.client()
  assert.deepEqual(machine.registration.grant_types, ['client_credentials'])
  assert.equal(machine.issuer, sts.issuer)
  assert.equal(machine.privateJwk.crv, 'P-256')
  const web = await sts.client('my-web', { redirect_uris: ['http://localhost:8089/callback'], make_key: 'RSA' })
  assert.deepEqual(web.registration.grant_types, ['authorization_code', 'refresh_token'])
  assert.equal(web.clientId, 'my-web')
  assert.equal(web.privateJwk.kty, 'RSA')
  assert.deepEqual([...machine.warnings, ...web.warnings], [])
  const kept = await sts.control.call('GET', '/clients/my-web')
  assert.equal(kept.jwks.keys[0].kid, web.privateJwk.kid)
  assert.equal(kept.jwks.keys[0].d, undefined)
})

test('a person is found by pid or short name, changed, or made', async () => {
  const known = await sts.persona('kvart-grevling')
  assert.equal(known.pid, '06828399789')
  assert.deepEqual(await sts.persona(known.pid), known)
  assert.equal((await sts.persona('kvart-grevling', { security_level: '3' })).security_level, '3')
  const people = await Promise.all(Array.from({ length: 20 }, () => sts.persona()))
  assert.equal(new Set(people.map((one) => one.pid)).size, 20)
  for (const one of people) {
    const { warnings } = await sts.control.call('PUT', `/personas/${one.pid}`, one)
    assert.deepEqual(warnings, [], one.pid)
  }
  const named = await sts.persona('min-person', { given_name: 'ANNE' })
  assert.deepEqual([named.persona, named.given_name, named.family_name], ['min-person', 'ANNE', 'PERSON'])
})

test('an organization is found, changed, or made', async () => {
  assert.equal((await sts.organization('213000012')).number, '213000012')
  for (let count = 0; count < 20; count += 1) {
    const made = await sts.organization(undefined, { name: 'Prøvestad legekontor' })
    const { warnings } = await sts.control.call('PUT', `/organizations/${made.number}`, made)
    assert.deepEqual([made.name, warnings], ['Prøvestad legekontor', []])
  }
  assert.equal((await sts.organization('213000012', { name: 'Nytt navn' })).name, 'Nytt navn')
})

test('a world is put there as a whole', async () => {
  const kept = await sts.putWorld({ organizations: [{ number: '311000004', name: 'Alt i ett' }] })
  assert.deepEqual(kept.warnings ?? [], [])
  assert.equal((await sts.organization('311000004')).name, 'Alt i ett')
})

test('the next login is ordered, or how it ends', async () => {
  const redirect = 'http://localhost:8089/callback'
  const web = await sts.client('my-web', { redirect_uris: [redirect], require_pushed_authorization_requests: false })
  const challenge = createHash('sha256').update('v'.repeat(43)).digest('base64url')
  const authorize = async (cookie) => {
    const parameters = new URLSearchParams({
      client_id: web.clientId,
      response_type: 'code',
      redirect_uri: redirect,
      scope: 'openid',
      code_challenge: challenge,
      code_challenge_method: 'S256',
      state: 'a',
    })
    const headers = cookie === undefined ? {} : { cookie }
    const address = `${sts.issuer}/connect/authorize?${parameters}`
    const answer = await fetch(address, { redirect: 'manual', headers })
    return new URL(answer.headers.get('location'), address)
  }
  const waits = async () => (await sts.control.call('GET', '/next-login')).orders
  await sts.loginAs('kvart-grevling', { client_id: 'my-web' })
  assert.deepEqual((await waits()).map((one) => [one.client_id, one.pid]), [['my-web', '06828399789']])
  assert.ok((await authorize()).searchParams.get('code'))
  assert.deepEqual(await waits(), [])
  await sts.nextLogin({ outcome: 'access_denied' })
  assert.equal((await authorize()).searchParams.get('error'), 'access_denied')
  await sts.loginAs(await sts.persona('ny-person'))
  assert.ok((await authorize()).searchParams.get('code'))
  assert.equal((await authorize()).searchParams.get('code'), null, 'the orders are used up, so a page asks')
  const cookie = (await fetch(sts.loginUrl('ny-person'), { redirect: 'manual' })).headers.get('set-cookie').split(';')[0]
  assert.ok((await authorize(cookie)).searchParams.get('code'))
  const entries = await sts.journal({ client_id: 'my-web', outcome: 'granted' })
  assert.ok(entries.length >= 3)
  assert.ok(entries.every((entry) => entry.client_id === 'my-web'))
})

test('the clock moves, stands, and goes back', async () => {
  const begun = await sts.clock.now()
  assert.ok((await sts.clock.advance('PT2H')) - begun >= 7_200_000)
  assert.ok((await sts.clock.advance(-3600)) - begun < 7_200_000)
  const moment = new Date('2030-01-02T03:04:05Z')
  await sts.clock.freeze()
  assert.deepEqual(await sts.clock.set(moment), moment)
  assert.deepEqual([(await sts.clock.state()).frozen, await sts.clock.now()], [true, moment])
  await sts.clock.goOn()
  assert.ok((await sts.clock.offset('P1D')) > begun)
  await sts.clock.reset()
  assert.equal((await sts.clock.state()).offset, 'PT0S')
})

test('keys are rolled over, retired and published', async () => {
  const old = await sts.keys.active()
  const now = await sts.keys.rotate()
  assert.notEqual(now.kid, old.kid)
  const published = async () => (await fetched(`${sts.issuer}/.well-known/openid-configuration/jwks`)).keys.map((key) => key.kid)
  assert.deepEqual((await published()).sort(), [now.kid, old.kid].sort())
  await sts.keys.retire(old.kid)
  assert.deepEqual(await published(), [now.kid])
  assert.deepEqual((await sts.keys.list()).map((key) => key.state).sort(), ['active', 'retired'])
  assert.equal((await sts.keys.rotate({ kid: (await sts.control.call('POST', '/keys', {})).kid })).state, 'active')
})

test('a fault happens as often as it was ordered, and goes', async () => {
  const broken = { match: { endpoint: 'discovery' }, times: 1, effect: { status: 503 } }
  const status = async () => (await fetch(`${sts.issuer}/.well-known/openid-configuration`)).status
  await sts.fault(broken)
  assert.deepEqual([await status(), await status()], [503, 200])
  const lasting = await sts.fault({ ...broken, times: undefined })
  assert.equal(await status(), 503)
  await lasting.remove()
  assert.equal(await status(), 200)
  await assert.rejects(sts.fault({ effect: { statu: 503 } }), { status: 400, message: /did you mean/ })
})

test('what was asked is verified', async () => {
  const body = new URLSearchParams({ grant_type: 'client_credentials', client_id: 'demo-machine' })
  await fetch(`${sts.issuer}/connect/token`, { method: 'POST', body })
  const about = { client_id: 'demo-machine' }
  assert.equal((await sts.verify({ ...about, expect: [{ called: 'token', times: 1, outcome: 'refused' }] })).met, true)
  await assert.rejects(sts.verify({ ...about, expect: [{ called: 'token', times: 2 }, { none_broken: 'must' }] }), (error) => {
    assert.ok(error instanceof VerificationError)
    assert.deepEqual(error.message.split('\n'), error.answer.results.map((result) => result.says))
    assert.equal(error.answer.results.length, 2)
    return true
  })
  await assert.rejects(sts.verify({ expect: [{ cald: 'token' }] }), { name: 'ControlError', status: 400 })
})

test('a token is one line, good by the published keys, and broken on order', async () => {
  const token = await sts.token({ audience: 'mock:demo-api', client_id: 'demo-web-api', persona: 'kvart-grevling' })
  const [header, payload, signature] = `${token}`.split('.')
  const { keys } = await fetched(`${sts.issuer}/.well-known/openid-configuration/jwks`)
  const key = createPublicKey({ key: keys.find((one) => one.kid === token.header.kid), format: 'jwk' })
  const signed = Buffer.from(`${header}.${payload}`)
  assert.ok(verifySignature('sha256', signed, key, Buffer.from(signature, 'base64url')))
  assert.equal(token.claims.iss, sts.issuer)
  assert.equal(token.claims['helseid://claims/identity/pid'], '06828399789')
  const broken = await sts.token({ audience: 'mock:demo-api', defects: ['wrong_audience'] })
  assert.notEqual(broken.claims.aud, 'mock:demo-api')
})

test('proofs and the matrix are for an API under test', async () => {
  const api = `${sts.issuer}/mock/demo/api`
  const matrix = await sts.tokenMatrix({ audience: 'mock:demo-api' })
  const row = matrix.items.find((one) => one.name === 'good')
  const proof = await sts.proof({ access_token: row.access_token, method: 'GET', url: api, key: matrix.key })
  const call = async (dpop) =>
    (await fetch(api, { headers: { authorization: `DPoP ${row.access_token}`, dpop } })).status
  assert.deepEqual([await call(proof), await call('nonsense')], [200, 401])
  assert.ok(matrix.items.filter((one) => one.must_refuse).length > 20)
})

test('what was made goes away by a snapshot, a reset and a tag', async () => {
  const snapshot = await sts.snapshot('before')
  await sts.client('made')
  await sts.restore(snapshot)
  await assert.rejects(sts.control.call('GET', '/clients/made'), { status: 404 })
  await sts.client('made')
  const tagged = await Helseid.at(sts.url, { tag: 'run-1' })
  await tagged.client('tagged')
  await sts.reset('run-1')
  await assert.rejects(sts.control.call('GET', '/clients/tagged'), { status: 404 })
  assert.equal((await sts.control.call('GET', '/clients/made')).client_id, 'made')
  await sts.reset()
  await assert.rejects(sts.control.call('GET', '/clients/made'), { status: 404 })
})

test('a server that is stopped answers no more, and leaves no folder', async () => {
  const own = await runningSts()
  const database = await own.control.call('GET', '/settings')
  const file = /sqlite:\/\/\/(.+?\.sqlite)/.exec(JSON.stringify(database))?.[1]
  assert.ok(file && existsSync(file))
  await own.stop()
  await own.stop()
  assert.equal(existsSync(file), false)
  await assert.rejects(own.journal(), { name: 'ControlError', reason: 'no-answer', status: 0 })
})

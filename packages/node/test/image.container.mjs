// A server of a container image; run by tests/container/packages.py, beside an engine.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runningSts } from '../src/index.cjs'

test('tokens of an image', async () => {
  const sts = await runningSts({ image: 'mock-sts', settings: { access_token_lifetime: 300 } })
  assert.equal((await sts.token({ audience: 'mock:demo-api' })).claims.iss, sts.issuer)
  await sts.stop()
})

test('a setting that there is not, and an image that there is not', async () => {
  await assert.rejects(runningSts({ image: 'mock-sts', settings: { enforcemen: 'strict' } }), {
    name: 'StartError',
    message: /did you mean MOCK_STS_ENFORCEMENT/,
  })
  await assert.rejects(runningSts({ image: 'no-such-image' }), { name: 'StartError', message: /no-such-image/ })
})

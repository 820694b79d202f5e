// What goes wrong is an error that names the remedy, with the last lines of the server's log where there is one.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createServer } from 'node:http'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import { ControlError, Helseid, MockStsError, StartError, runningSts } from 'mock-sts'
import globalSetup from 'mock-sts/global-setup'

let sts

before(async () => {
  sts = await runningSts({ settings: { admin_token: 'secret' } })
})

after(() => sts.stop())

/** An address at which `answer` is given to everything. */
async function answering(answer, use) {
  const server = createServer((request, response) => answer(request, response)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    await use(`http://127.0.0.1:${server.address().port}`)
  } finally {
    server.close()
  }
}

test('a setting that there is not', async () => {
  await assert.rejects(runningSts({ settings: { enforcemen: 'strict' } }), (error) => {
    assert.ok(error instanceof StartError && error instanceof MockStsError)
    assert.match(error.message, /ended with status 2.*a wrong setting/)
    assert.match(error.message, /last lines of the server's log:\n {2}MOCK_STS_ENFORCEMEN is no setting; did you mean/)
    return true
  })
})

test('a port that is taken', async () => {
  await assert.rejects(runningSts({ settings: { port: new URL(sts.url).port } }), (error) => {
    assert.ok(error instanceof StartError)
    assert.match(error.log.join('\n'), new RegExp(new URL(sts.url).port))
    return true
  })
})

test('a program that there is not, and one that is another', async () => {
  await assert.rejects(runningSts({ program: 'no-such-program' }), {
    name: 'StartError',
    message: /no-such-program is no program.*HELSEID_MOCK_URL.*HELSEID_MOCK_PROGRAM.*HELSEID_MOCK_IMAGE.*on the PATH/,
  })
  await assert.rejects(runningSts({ program: 'echo' }), { name: 'StartError', message: /is no mock-sts/ })
  await assert.rejects(runningSts({ program: 'false' }), { name: 'StartError', message: /older than this package/ })
})

test('a server that is not ready in time', async () => {
  await assert.rejects(runningSts({ patience: 1 }), { name: 'StartError', message: /not ready after 0.001 s.*patience/ })
})

test('an option that there is not, and settings for a server that runs already', async () => {
  await assert.rejects(runningSts({ enforcement: 'strict' }), /no option 'enforcement'.*settings/)
  await assert.rejects(runningSts({ url: sts.url, settings: { enforcement: 'strict' } }), /environment\(\{ settings \}\)/)
  await assert.rejects(runningSts({ url: 'localhost:8080' }), /no address of a server; one is http:/)
})

test('an address at which no server is, and one at which another program is', async () => {
  let gone
  await answering((_, response) => response.end(), async (url) => (gone = url))
  await assert.rejects(Helseid.at(gone), { reason: 'no-answer', message: /ECONNREFUSED.*Is the server running/ })
  const html = (_, response) => response.writeHead(404).end('<p>not here')
  await answering(html, (url) =>
    assert.rejects(Helseid.at(url), { reason: 'another-server', message: /is no Mock HelseID STS/ }),
  )
})

test('a server that is older', async () => {
  const problem = JSON.stringify({ type: 'about:blank', status: 404, detail: 'no such path' })
  const older = (_, response) => response.writeHead(404, { 'mock-sts': 'emulator 0.0.9, not HelseID' }).end(problem)
  await answering(older, (url) =>
    assert.rejects(Helseid.at(url), {
      name: 'ControlError',
      reason: 'older-server',
      message: /has no GET \/mock\/api\/v1\/clock\. It says that it is "emulator 0\.0\.9.*Start a server of this version/,
    }),
  )
})

test('an administration token that is missing', async () => {
  await assert.rejects(Helseid.at(sts.url), { reason: 'refused', status: 401, message: /adminToken.*MOCK_STS_ADMIN_TOKEN/ })
  assert.equal((await Helseid.at(sts.url, { adminToken: 'secret' })).issuer, sts.issuer)
})

test('an environment that was deleted', async () => {
  const environment = await sts.environment({ name: 'soon-gone' })
  await sts.control.call('DELETE', '/environments/soon-gone')
  await assert.rejects(environment.client(), (error) => {
    assert.ok(error instanceof ControlError)
    assert.equal(error.reason, 'no-environment')
    assert.match(error.message, /environment soon-gone is gone.*deleted.*MOCK_STS_ENVIRONMENT_IDLE.*environment\(\)/)
    // What the server has just said may be on its way still.
    assert.match(error.message, /last lines of the server's log:\n *\S/)
    return true
  })
  await environment.stop()
})

test('a member, a person and a client that there are not', async () => {
  await assert.rejects(sts.client('a', { redirect_uri: [] }), (error) => {
    assert.deepEqual([error.status, error.problem.member], [400, '/redirect_uri'])
    assert.match(error.message, /redirect_uris/)
    return true
  })
  await assert.rejects(sts.loginAs('kvart-grevlin'), /did you mean kvart-grevling/)
  await assert.rejects(sts.environment({ name: 'Ü' }), { status: 400 })
})

test('a process that ends without stop() takes its server along', async () => {
  const program = `
    import { runningSts } from 'mock-sts'
    const sts = await runningSts()
    console.log(sts.url)
  `
  const done = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8', timeout: 60_000 })
  assert.equal(done.status, 0, done.stderr)
  const url = done.stdout.trim()
  for (;;) {
    try {
      await (await fetch(`${url}/health/live`)).text() // it still ends
    } catch {
      break
    }
  }
  await assert.rejects(Helseid.at(url), { reason: 'no-answer' })
})

test('the global setup sets the address for workers, and takes it back', async () => {
  const before = process.env.HELSEID_MOCK_URL
  const end = await globalSetup()
  const found = await runningSts()
  assert.equal(found.url, process.env.HELSEID_MOCK_URL)
  await found.stop() // it was there before
  assert.equal((await Helseid.at(found.url)).issuer, found.issuer)
  await end()
  assert.equal(process.env.HELSEID_MOCK_URL, before)
  await assert.rejects(Helseid.at(found.url), { reason: 'no-answer' })
})

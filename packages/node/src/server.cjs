'use strict'

// Where a server comes from: an address, a program, or a container image.

const { spawn, execFile } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const readline = require('node:readline')
const { randomUUID } = require('node:crypto')
const { StartError } = require('./errors.cjs')

/** Variables that say where a server comes from. Not MOCK_STS_..., for those are the settings of a server. */
const VARIABLES = { url: 'HELSEID_MOCK_URL', program: 'HELSEID_MOCK_PROGRAM', image: 'HELSEID_MOCK_IMAGE' }

/** Lines of the log that are kept for a message, and characters of each. */
const KEPT = 12
const WIDTH = 300

/** Milliseconds in which a server that is asked to end has ended. */
const ENDS = 20_000

const WORDS = ['serve', '--json', '--exit-with-stdin']

const WAYS =
  `Give an address (option url or variable ${VARIABLES.url}), the program of an archive or of an installation (program, ` +
  `${VARIABLES.program}), or a container image (image, ${VARIABLES.image}); or put mock-sts on the PATH.`

/**
 * What `options` and the environment say: { url }, { program } or { image }. An option goes before all variables, and
 * among either an address goes before an image, and that before a program.
 */
function source(options, environment = process.env) {
  for (const kind of ['url', 'image', 'program']) if (options[kind]) return { [kind]: options[kind] }
  for (const kind of ['url', 'image', 'program']) {
    const value = environment[VARIABLES[kind]]
    if (value) return { [kind]: value }
  }
  return { program: 'mock-sts' }
}

/** A child process that serves; `ready` is the line that it has printed. */
class Server {
  constructor(child, ready, log, tidy) {
    this.ready = ready
    this.log = log
    this._child = child
    this._tidy = tidy
    this._ended = new Promise((resolve) => child.once('exit', resolve))
    // It ends with its standard input, so with this process; it must not keep this process from ending.
    child.unref()
    for (const stream of child.stdio) stream?.unref?.()
  }

  /** End it, and remove what it has kept. A second call does nothing. */
  async stop() {
    if (this._child.exitCode === null && this._child.signalCode === null) {
      this._child.ref()
      const late = setTimeout(() => this._child.kill('SIGKILL'), ENDS)
      this._child.stdin.end()
      await this._ended
      clearTimeout(late)
    }
    this._tidy()
  }
}

/** Start what `from` names, with `settings`; a Server. Rejects with StartError. */
async function start(from, settings, patience) {
  if (from.image) return startContainer(from.image, settings, patience)
  if (folders.size === 0) process.once('exit', () => [...folders].forEach(forget))
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mock-sts-'))
  folders.add(folder)
  try {
    return await startProgram(from.program, settings, patience, folder)
  } catch (error) {
    forget(folder)
    throw error
  }
}

/** Folders of servers that run, removed when this process ends at the latest. */
const folders = new Set()

function forget(folder) {
  fs.rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
  folders.delete(folder)
}

async function startProgram(program, settings, patience, folder) {
  const own = { port: 0, database_url: `sqlite:///${folder.replaceAll('\\', '/')}/sts.sqlite` }
  const others = Object.entries(process.env).filter(([name]) => !name.startsWith('MOCK_STS_'))
  const env = { ...Object.fromEntries(others), ...variables({ ...own, ...settings }) }
  const { child, ready, log } = await run(program, WORDS, env, patience, `the program ${program}`)
  return new Server(child, ready, log, () => forget(folder))
}

async function startContainer(image, settings, patience) {
  const name = `mock-sts-${randomUUID()}`
  const given = Object.entries(variables(settings)).flatMap(([variable, value]) => ['--env', `${variable}=${value}`])
  const words = ['run', '--rm', '--interactive', '--name', name, '--publish', '127.0.0.1::8080', ...given, image, ...WORDS]
  const { child, ready, log } = await run('docker', words, process.env, patience, `docker with the image ${image}`)
  // The port that the server names is the container's.
  const published = await new Promise((resolve) =>
    execFile('docker', ['port', name, '8080/tcp'], (error, output) => resolve(error ? '' : output)),
  )
  const port = /:(\d+)\s*$/m.exec(published)?.[1]
  const server = new Server(child, { ...ready, url: `http://localhost:${port}` }, log, () => {})
  if (port === undefined) {
    await server.stop()
    throw new StartError(`the container of ${image} has no port 8080 that this machine reaches`, log())
  }
  return server
}

/** Run a command until it has printed its line. */
function run(command, words, env, patience, what) {
  const lines = []
  const log = () => [...lines]
  return new Promise((resolve, reject) => {
    const child = spawn(command, words, { env, stdio: ['pipe', 'pipe', 'pipe'], windowsHide: true })
    const late = setTimeout(() => {
      child.kill('SIGKILL')
      reject(new StartError(`${what} was not ready after ${patience / 1000} s; give it more by the option patience`, log()))
    }, patience)
    const refuse = (why) => {
      clearTimeout(late)
      reject(new StartError(why, log()))
    }
    child.once('error', (error) => {
      const missing = error.code === 'ENOENT' || error.code === 'EACCES'
      refuse(missing ? `${command} is no program that can be started here (${error.code}). ${WAYS}` : String(error))
    })
    child.stdin.on('error', () => {}) // it has ended: said by "close"
    readline.createInterface({ input: child.stderr }).on('line', (line) => {
      lines.push(line.length > WIDTH ? `${line.slice(0, WIDTH)}...` : line)
      if (lines.length > KEPT) lines.shift()
    })
    readline.createInterface({ input: child.stdout }).once('line', (line) => {
      clearTimeout(late)
      try {
        resolve({ child, ready: JSON.parse(line), log })
      } catch {
        child.kill()
        refuse(`${what} is no mock-sts of this version or a newer one: it printed ${JSON.stringify(line.slice(0, 200))}`)
      }
    })
    // "close" comes when all of its output has been read, "exit" may come before.
    child.once('close', (status) =>
      refuse(
        `${what} did not start a server: it ended with status ${status}. Its log says why; a status of 2 is a wrong ` +
          'setting, or a mock-sts that is older than this package.',
      ),
    )
  })
}

/** Settings by their names (`access_token_lifetime`) as a server reads them; a wrong name is refused by the server. */
function variables(settings) {
  const found = {}
  for (const [name, value] of Object.entries(settings)) {
    if (value === undefined) continue
    const separator = name === 'fixtures' ? path.delimiter : ','
    found[`MOCK_STS_${name.toUpperCase()}`] = Array.isArray(value) ? value.join(separator) : String(value ?? '')
  }
  return found
}

exports.VARIABLES = VARIABLES
exports.source = source
exports.start = start

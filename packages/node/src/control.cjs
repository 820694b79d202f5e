'use strict'

// The control API of a server, as a client of it has it.

const http = require('node:http')
const https = require('node:https')
const { ControlError } = require('./errors.cjs')

const API = '/mock/api/v1'

/** Milliseconds in which a server answers; making an RSA key takes some on a busy machine. */
const PATIENCE = 60_000

/** The header in which every answer of the server says what it is, and in which version. */
const EMULATOR = 'mock-sts'

class ControlApi {
  /**
   * `base` is the address of an environment, such as http://localhost:8080 or http://localhost:8080/env/w1. `log` gives
   * the last lines of the server's log, where this process has them.
   */
  constructor(base, { adminToken = '', tag, log = () => [] } = {}) {
    this.base = base.replace(/\/+$/, '')
    this.url = this.base + API
    this._options = { adminToken, tag, log }
  }

  /** The same server's API for the environment with the address `base`. */
  at(base) {
    return new ControlApi(base, this._options)
  }

  /** What the server answers at `path` (`/clients/x`, its names percent-encoded), as JSON; null for nothing. */
  async call(method, path, body, { query = {}, headers = {} } = {}) {
    const answer = await this._send(method, API + path + queryOf(query), body, headers)
    if (answer.status < 400) return answer.json
    const detail = answer.json?.detail ?? `${answer.status} without a reason`
    const about = { status: answer.status, problem: answer.json ?? {} }
    if (answer.emulator === undefined) {
      throw new ControlError(
        'another-server',
        `what answers at ${this.base} is no Mock HelseID STS: ${method} ${API}${path} gave ${answer.status}. ` +
          'Give the address of a mock-sts server, with its port.',
        about,
      )
    }
    // A path that there is not, and not a thing that there is not.
    if (answer.status === 404 && answer.json?.type !== 'urn:mock-sts:problem:not-found') {
      await this._refuseMissingPath(method, path, answer, about)
    }
    const remedy = answer.status === 401 ? '; give the adminToken, which is the server\'s MOCK_STS_ADMIN_TOKEN' : ''
    const log = answer.status >= 500 ? this._options.log() : [] // else the answer says it all
    throw new ControlError('refused', `${method} ${path}: ${answer.status}: ${detail}${remedy}`, { ...about, log })
  }

  /** All items of the list at `path`, page by page. */
  async *items(path, query = {}) {
    let after = null
    do {
      const page = await this.call('GET', path, undefined, { query: { ...query, limit: 1000, after } })
      yield* page.items
      after = page.next
    } while (after !== null)
  }

  /** A document of the emulated surface. */
  async document(path) {
    return (await this._send('GET', path)).json
  }

  async _refuseMissingPath(method, path, answer, refusal) {
    const about = { ...refusal, log: this._options.log() }
    const name = /\/env\/([^/]+)$/.exec(this.base)?.[1]
    if (name !== undefined) {
      const root = this.at(this.base.slice(0, -`/env/${name}`.length))
      const found = await root._send('GET', `${API}/environments/${name}`)
      if (found.status === 404) {
        throw new ControlError(
          'no-environment',
          `the environment ${decodeURIComponent(name)} is gone from ${root.base}: it was deleted, or was not used for ` +
            'the time that MOCK_STS_ENVIRONMENT_IDLE gives. Make one for each test or worker with environment().',
          about,
        )
      }
    }
    throw new ControlError(
      'older-server',
      `the server at ${this.base} has no ${method} ${API}${path}. It says that it is "${answer.emulator}"; this package ` +
        `is of version ${version()}. Start a server of this version or a newer one.`,
      about,
    )
  }

  _send(method, target, body, headers = {}) {
    const url = new URL(this.base)
    const path = url.pathname.replace(/\/$/, '') + target
    const { adminToken, tag, log } = this._options
    const sent = { ...headers }
    if (adminToken) sent.authorization = `Bearer ${adminToken}`
    if (tag !== undefined) sent['mock-sts-tag'] = tag
    const content = body === undefined ? undefined : Buffer.from(JSON.stringify(body))
    if (content !== undefined) {
      sent['content-type'] = 'application/json'
      sent['content-length'] = content.length
    } else if (method !== 'GET') {
      sent['content-length'] = 0
    }
    return new Promise((resolve, reject) => {
      const fail = (error) =>
        reject(
          new ControlError(
            'no-answer',
            `no answer from ${this.base} (${method} ${target}): ${error.code ?? error.message}. ` +
              'Is the server running, and is this its address?',
            { log: log() },
          ),
        )
      // A connection for each call: none is left open behind a test, and none has idled for too long.
      const request = (url.protocol === 'https:' ? https : http).request(
        { protocol: url.protocol, hostname: bare(url.hostname), port: url.port, path, method, headers: sent, agent: false },
        (response) => {
          const parts = []
          response.on('data', (part) => parts.push(part))
          response.on('error', fail)
          response.on('end', () => {
            const text = Buffer.concat(parts).toString()
            const answer = { status: response.statusCode, emulator: response.headers[EMULATOR], json: null, text }
            try {
              if (text !== '') answer.json = JSON.parse(text)
            } catch {
              if (answer.status < 400) return fail(new Error(`${answer.status}, and no JSON`))
            }
            resolve(answer)
          })
        },
      )
      request.setTimeout(PATIENCE, () => request.destroy(new Error(`no answer for ${PATIENCE / 1000} s`)))
      request.on('error', fail)
      request.end(content)
    })
  }
}

/** A host name as sockets want it: an IPv6 address without its brackets. */
function bare(hostname) {
  return hostname.replace(/^\[|\]$/g, '')
}

function queryOf(query) {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null)
  return given.length === 0 ? '' : `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}`
}

function version() {
  return require('../package.json').version
}

exports.ControlApi = ControlApi

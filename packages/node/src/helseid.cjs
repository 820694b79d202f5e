'use strict'

// One environment of a server, as a test has it.

const { randomInt, randomUUID } = require('node:crypto')
const { ControlApi } = require('./control.cjs')
const { MockStsError, VerificationError } = require('./errors.cjs')
const { VARIABLES, source, start } = require('./server.cjs')

const DEFAULT = 'default'

/** What a client gets that says nothing else: the grants of a machine, or those of a login. As mock_sts.testing has it. */
const MACHINE_SCOPE = 'mock:demo-api/read'
const LOGIN_SCOPE =
  'openid profile offline_access helseid://scopes/identity/pid helseid://scopes/identity/security_level ' +
  `helseid://scopes/hpr/hpr_number ${MACHINE_SCOPE}`

/** The clock that ages what an environment keeps: codes, sessions, refresh tokens. Access tokens stay on real time. */
class Clock {
  constructor(control) {
    this._control = control
  }

  /** What the server says of it: wall, now, offset, frozen. */
  state() {
    return this._control.call('GET', '/clock')
  }

  /** The environment's time, as a Date. */
  async now() {
    return new Date((await this.state()).now)
  }

  /** Move it on by seconds or an ISO 8601 duration (`PT2H`); the time after that. */
  advance(duration) {
    return this._move({ advance: iso(duration) })
  }

  /** Set it to a Date, or to a time in ISO 8601. */
  set(time) {
    return this._move({ set: time instanceof Date ? time.toISOString() : time })
  }

  /** Have it be ahead of the real time by so much. */
  offset(duration) {
    return this._move({ offset: iso(duration) })
  }

  /** Let it stand still. */
  freeze() {
    return this._move({ freeze: true })
  }

  /** Let it go on from where it stands. */
  goOn() {
    return this._move({ freeze: false })
  }

  /** The real time again. */
  reset() {
    return this._move({ reset: true })
  }

  async _move(body) {
    return new Date((await this._control.call('POST', '/clock', body)).now)
  }
}

/** The keys that tokens are signed with: kid, algorithm, state (next, active, retired). */
class Keys {
  constructor(control) {
    this._control = control
  }

  /** All keys, the newest first. */
  async list() {
    return (await this._control.call('GET', '/keys')).items
  }

  /** The key that signs. */
  async active() {
    return (await this.list()).find((key) => key.state === 'active')
  }

  /** Let another key sign: the one with `kid`, or a new one (`algorithm`, `bits`); the key that signs from now on. */
  async rotate(wanted = {}) {
    return (await this._control.call('POST', '/keys/rotate', wanted)).active
  }

  /** Take a key out of the key set. */
  retire(kid) {
    return this._control.call('POST', `/keys/${segment(kid)}/retire`)
  }

  /** Show a key in the key set. */
  publish(kid) {
    return this._control.call('POST', `/keys/${segment(kid)}/publish`)
  }
}

/** A token on order; as text it is the token itself. Its members are those of the server's answer. */
class TestToken {
  constructor(answer) {
    Object.assign(this, answer)
  }

  toString() {
    return this.access_token
  }
}

/** One environment of a server: what an application under test needs to know of it, and what a test steers. */
class Helseid {
  /** Use `Helseid.at`, `runningSts` or `environment()`. */
  constructor(control, issuer, name, end) {
    /** The issuer: what the application under test is configured with. */
    this.issuer = issuer
    /** The environment's name; `default` at the root of the server. */
    this.name = name
    /** Its control API, for everything that has no method here. */
    this.control = control
    this.clock = new Clock(control)
    this.keys = new Keys(control)
    this._end = end
  }

  /**
   * The environment with the address `url`, which may be an environment's own (`http://localhost:8080/env/w1`); `tag`
   * marks what this test run makes.
   */
  static async at(url, { environment, adminToken, tag } = {}) {
    return connect(new ControlApi(baseOf(url, environment), { adminToken, tag }), async () => {})
  }

  /** Where this process reaches the environment. */
  get url() {
    return this.control.base
  }

  /**
   * Register a client, with a key made for it, or put it in the place of the one with this id. `members` are those of a
   * fixture file. Without `redirect_uris` it is a machine, with them it logs people in; what says nothing of its scopes
   * gets those of the demo.
   */
  async client(clientId, members = {}) {
    const isLogin = (members.redirect_uris ?? []).length > 0
    const usual = {
      grant_types: isLogin ? ['authorization_code', 'refresh_token'] : ['client_credentials'],
      scope: isLogin ? LOGIN_SCOPE : MACHINE_SCOPE,
      make_key: 'EC',
    }
    const name = clientId ?? randomUUID()
    const answer = await this.control.call('PUT', `/clients/${segment(name)}`, { ...usual, ...members })
    const { private_jwk: privateJwk, warnings, ...registration } = answer
    return { clientId: name, privateJwk, issuer: this.issuer, registration, warnings }
  }

  /**
   * A person: the one with the pid or short name `key`, changed by `members` of a fixture file, or a new one. A new
   * person has a synthetic pid, and is called as `members` say.
   */
  async persona(key, members = {}) {
    const found = key === undefined ? undefined : await this._person(key)
    if (found !== undefined && Object.keys(members).length === 0) return found
    const isPid = /^\d+$/.test(key ?? '')
    const named = key === undefined || isPid ? {} : { persona: key }
    const pid = found?.pid ?? (isPid ? key : syntheticPid())
    const document = { given_name: 'PRØVE', family_name: 'PERSON', ...named, ...found, ...members }
    const { warnings: _, ...made } = await this.control.call('PUT', `/personas/${segment(pid)}`, document)
    return made
  }

  /** An organization: the one with this number, changed by `members` of a fixture file, or a new one. */
  async organization(number, members = {}) {
    const found = number === undefined ? undefined : await this._known(`/organizations/${segment(number)}`)
    if (found !== undefined && Object.keys(members).length === 0) return found
    const key = number ?? syntheticOrganizationNumber()
    const document = { name: 'PRØVEVIRKSOMHET', ...found, ...members }
    const { warnings: _, ...made } = await this.control.call('PUT', `/organizations/${segment(key)}`, document)
    return made
  }

  /** Put `organizations`, `personas`, `apis` and `clients` in the place of those that were made here; all or nothing. */
  putWorld(world) {
    return this.control.call('PUT', '/world', world)
  }

  /**
   * The next login is that of `persona`: a person, a pid or a short name. `match` may have `client_id` and
   * `redirect_uri`, and says for which logins; the number of the order.
   */
  async loginAs(persona, match = {}) {
    return this.nextLogin({ persona: typeof persona === 'object' ? persona.pid : persona, match })
  }

  /** Order the next login: `persona`, `outcome` (how it ends), `match`, `times`; the number of the order. */
  async nextLogin(order) {
    return (await this.control.call('POST', '/next-login', order)).id
  }

  /** The address that makes a browser that of a person, for every login from then on. */
  loginUrl(persona) {
    return `${this.issuer}/mock/as/${segment(typeof persona === 'object' ? persona.pid : persona)}`
  }

  /** Order a fault: `match`, `times` and the like, `effect`. Its rule, with `remove()`. */
  async fault(rule) {
    const answer = await this.control.call('POST', '/faults', rule)
    return { ...answer, remove: () => this.control.call('DELETE', `/faults/${segment(answer.id)}`) }
  }

  /** The entries that fit (`client_id`, `outcome`, `rule`, `limit`), the newest first. */
  async journal(wanted = {}) {
    return (await this.control.call('GET', '/journal', undefined, { query: wanted })).entries
  }

  /**
   * Hold expectations against what was asked here: `expect`, and `client_id`, `flow`, `since` or `after` for which
   * requests count. Rejects with VerificationError, which says what is otherwise; else the server's answer.
   */
  async verify(expectations) {
    const answer = await this.control.call('POST', '/verify', expectations)
    if (answer.met) return answer
    const otherwise = answer.results.filter((result) => !result.met).map((result) => result.says)
    throw new VerificationError(otherwise.join('\n'), answer)
  }

  /**
   * A signed token without a login: `audience`, `client_id`, `persona`, `scope`, `defects` and the like. As text it is
   * the token.
   */
  async token(order = {}) {
    return new TestToken(await this.control.call('POST', '/test-tokens', order))
  }

  /** A fresh DPoP proof for one call: `access_token`, `method`, `url`, and the `key` that the token is bound to. */
  async proof(order) {
    const given = { ...order, access_token: String(order.access_token) }
    return (await this.control.call('POST', '/test-tokens/proof', given)).proof
  }

  /** Every defect of a good token, with what a resource server does about it: `key` and `items`. */
  tokenMatrix(order) {
    return this.control.call('GET', '/test-tokens/matrix', undefined, { query: order })
  }

  /** Take a snapshot; its id. */
  async snapshot(name) {
    return (await this.control.call('POST', '/snapshots', { name: name ?? null })).id
  }

  /** Make everything as it was when the snapshot with this id was taken. */
  async restore(snapshot) {
    await this.control.call('POST', `/snapshots/${segment(snapshot)}/restore`)
  }

  /** Take the environment back to its start, or forget what the test run with `tag` has made. */
  async reset(tag) {
    await this.control.call('POST', '/reset', undefined, { query: { tag } })
  }

  /**
   * A new environment of the same server, which `stop()` ends: `name` (or a random one), `settings`, `preset`, `hosts`,
   * `fresh_keys`, `tag`. To be asked of the environment at the root.
   */
  async environment(wanted = {}) {
    const made = await this.control.call('POST', '/environments', wanted)
    const end = async () => {
      try {
        await this.control.call('DELETE', `/environments/${segment(made.name)}`)
      } catch (error) {
        if (error.reason !== 'refused' || error.status !== 404) throw error // it has ended already
      }
    }
    return new Helseid(this.control.at(`${this.control.base}/env/${made.name}`), made.issuer, made.name, end)
  }

  /** End what was started or made here: the server of `runningSts`, or an environment. What ran before goes on. */
  async stop() {
    const end = this._end
    this._end = async () => {}
    await end()
  }

  [Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')]() {
    return this.stop()
  }

  async _person(key) {
    if (/^\d+$/.test(key)) return this._known(`/personas/${segment(key)}`)
    for await (const one of this.control.items('/personas')) if (one.persona === key) return one
    return undefined
  }

  /** What the server has at `path`, undefined for nothing. */
  async _known(path) {
    try {
      return await this.control.call('GET', path)
    } catch (error) {
      if (error.reason === 'refused' && error.status === 404) return undefined
      throw error
    }
  }
}

/**
 * A server for the time of a test run, and its environment at the root: one that runs already (`url`), or one that is
 * started on a free port from a `program` or a container `image`. It has a database of its own, and ends by `stop()`, or
 * with this process. `settings` are those of the server, by their names.
 */
async function runningSts({ settings = {}, adminToken, tag, patience = 60_000, ...from } = {}) {
  const strange = Object.keys(from).find((name) => !(name in VARIABLES))
  if (strange !== undefined) {
    throw new MockStsError(
      `runningSts has no option '${strange}'; there are url, program, image, settings, adminToken, tag and patience. ` +
        'Settings of the server go into settings.',
    )
  }
  const where = source(from)
  if (where.url) {
    if (Object.keys(settings).length > 0) {
      throw new MockStsError(
        `the server at ${where.url} runs already, so settings cannot change it: make an environment with them, ` +
          'environment({ settings }).',
      )
    }
    return Helseid.at(where.url, { adminToken, tag })
  }
  const server = await start(where, settings, patience)
  const token = adminToken ?? settings.admin_token
  const control = new ControlApi(server.ready.url, { adminToken: token, tag, log: server.log })
  try {
    return await connect(control, () => server.stop())
  } catch (error) {
    await server.stop()
    throw error
  }
}

async function connect(control, end) {
  await control.call('GET', '/clock') // the sort of server, the token, and whether the environment is there
  const discovery = await control.document('/.well-known/openid-configuration')
  const name = /\/env\/([^/]+)$/.exec(control.base)?.[1]
  return new Helseid(control, discovery.issuer, name ?? DEFAULT, end)
}

function baseOf(url, environment = DEFAULT) {
  const base = String(url).replace(/\/+$/, '')
  if (!/^https?:\/\/[^/]/.test(base)) {
    throw new MockStsError(`${JSON.stringify(url)} is no address of a server; one is http://localhost:8080`)
  }
  return environment === DEFAULT ? base : `${base}/env/${segment(environment)}`
}

function segment(name) {
  return encodeURIComponent(String(name))
}

function iso(duration) {
  return typeof duration === 'number' ? `${duration < 0 ? '-' : ''}PT${Math.abs(Math.trunc(duration))}S` : duration
}

function modulus11(digits, weights) {
  const rest = weights.reduce((sum, weight, at) => sum + weight * digits[at], 0) % 11
  return rest === 0 ? 0 : 11 - rest
}

/** A pid of the synthetic series (month + 80), of a person born from 1950 to 1998. */
function syntheticPid() {
  for (;;) {
    const born = [randomInt(1, 29), randomInt(1, 13) + 80, randomInt(50, 99)].map((part) => String(part).padStart(2, '0'))
    const digits = [...born.join(''), ...String(randomInt(0, 500)).padStart(3, '0')].map(Number)
    digits.push(modulus11(digits, [3, 7, 6, 1, 8, 9, 4, 5, 2]))
    digits.push(modulus11(digits, [5, 4, 3, 2, 7, 6, 5, 4, 3, 2]))
    if (!digits.includes(10)) return digits.join('')
  }
}

/** An organization number of the synthetic series, which begins with 3. */
function syntheticOrganizationNumber() {
  for (;;) {
    const digits = [...`3${String(randomInt(0, 10_000_000)).padStart(7, '0')}`].map(Number)
    digits.push(modulus11(digits, [3, 2, 7, 6, 5, 4, 3, 2]))
    if (digits[8] !== 10) return digits.join('')
  }
}

exports.Helseid = Helseid
exports.TestToken = TestToken
exports.runningSts = runningSts

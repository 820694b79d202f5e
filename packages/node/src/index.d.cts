/** The types of mock-sts. Members of registrations, orders and answers have the names of the control API. */

export type Json = Record<string, any>

/** Where a server comes from, and how it is started. An option goes before a variable. */
export interface StsOptions {
  /** The address of a server that runs already; else the variable HELSEID_MOCK_URL. */
  url?: string
  /** The container image to start by docker; else HELSEID_MOCK_IMAGE. */
  image?: string
  /** The program to start, of an archive or of an installation; else HELSEID_MOCK_PROGRAM, else mock-sts on the PATH. */
  program?: string
  /** Settings of a server that is started, by their names: `{ access_token_lifetime: 600 }`. */
  settings?: Record<string, string | number | boolean | null | readonly string[] | undefined>
  /** The server's MOCK_STS_ADMIN_TOKEN, where it has one. */
  adminToken?: string
  /** Marks what this test run makes. */
  tag?: string
  /** Milliseconds in which a server is ready; 60000 where nothing is said. */
  patience?: number
}

/**
 * A server for the time of a test run, and its environment at the root. It has a database of its own, and ends by
 * `stop()`, or with this process. Rejects with StartError.
 */
export function runningSts(options?: StsOptions): Promise<Helseid>

export interface RegisteredClient {
  clientId: string
  privateJwk: Json
  /** The issuer that it asks. */
  issuer: string
  /** Its registration, as the server has it. */
  registration: Json
  /** A sentence for all that is odd about it. */
  warnings: string[]
}

/** A person who can log in, as a fixture file has it. */
export interface Persona extends Json {
  pid: string
  /** The short name. */
  persona?: string | null
}

export interface Organization extends Json {
  number: string
}

/** For which logins an order is; nothing: for any. */
export interface LoginMatch {
  client_id?: string
  redirect_uri?: string
}

export type LoginOutcome =
  | 'success'
  | 'access_denied'
  | 'level_too_low'
  | 'provider_error'
  | 'timeout'
  | 'login_required'
  | 'interaction_required'

export interface LoginOrder {
  persona?: string
  outcome?: LoginOutcome
  match?: LoginMatch
  times?: number
  tag?: string
}

/** An entry of the journal: one request with its answer. */
export interface JournalEntry extends Json {
  id: number
  endpoint: string
  client_id: string | null
  outcome: 'granted' | 'refused' | 'challenged'
  error: string | null
  rule: string | null
}

export interface SigningKey extends Json {
  kid: string
  algorithm: string
  state: 'next' | 'active' | 'retired'
}

/** What a token on order is for; members beyond these are those of `POST /test-tokens`. */
export interface TokenOrder extends Json {
  audience?: string
  client_id?: string
  persona?: string
  scope?: string[]
  organization?: string
  child?: string
  defects?: string[]
}

/** A token on order; as text it is the token itself. */
export class TestToken {
  access_token: string
  token_type: 'Bearer' | 'DPoP'
  proof: string | null
  /** The private JWK to which it is bound; null for a Bearer token. */
  key: Json | null
  header: Json
  claims: Json
  [member: string]: any
  toString(): string
}

export interface TokenMatrixRow extends Json {
  name: string
  says: string
  access_token: string
  token_type: 'Bearer' | 'DPoP'
  with_proof: boolean
  proof_defect: string | null
  send_twice: boolean
  must_refuse: boolean
  status: number | null
  error: string | null
}

export interface TokenMatrix {
  /** The private JWK to which the tokens are bound; null for Bearer tokens. */
  key: Json | null
  items: TokenMatrixRow[]
}

/** Seconds, or a duration of ISO 8601 such as PT2H. */
export type Duration = number | string

export interface Clock {
  state(): Promise<{ wall: string; now: string; offset: string; frozen: boolean } & Json>
  now(): Promise<Date>
  advance(duration: Duration): Promise<Date>
  set(time: Date | string): Promise<Date>
  offset(duration: Duration): Promise<Date>
  freeze(): Promise<Date>
  goOn(): Promise<Date>
  reset(): Promise<Date>
}

export interface Keys {
  list(): Promise<SigningKey[]>
  active(): Promise<SigningKey>
  rotate(wanted?: { kid?: string; algorithm?: string; bits?: number }): Promise<SigningKey>
  retire(kid: string): Promise<SigningKey>
  publish(kid: string): Promise<SigningKey>
}

/** The control API, for everything that has no method of `Helseid`. */
export class ControlApi {
  constructor(base: string, options?: { adminToken?: string; tag?: string; log?: () => string[] })
  readonly base: string
  readonly url: string
  at(base: string): ControlApi
  call(
    method: string,
    path: string,
    body?: unknown,
    options?: { query?: Record<string, unknown>; headers?: Record<string, string> },
  ): Promise<any>
  items(path: string, query?: Record<string, unknown>): AsyncGenerator<any>
}

/** One environment of a server: what an application under test needs to know of it, and what a test steers. */
export class Helseid {
  private constructor()
  /** The environment with the address `url`, which may be an environment's own. */
  static at(url: string, options?: { environment?: string; adminToken?: string; tag?: string }): Promise<Helseid>
  /** What the application under test is configured with. */
  readonly issuer: string
  /** The environment's name; `default` at the root. */
  readonly name: string
  /** Where this process reaches it. */
  readonly url: string
  readonly control: ControlApi
  readonly clock: Clock
  readonly keys: Keys
  /** Register a client with a key made for it; with `redirect_uris` it logs people in, else it is a machine. */
  client(clientId?: string, members?: Json): Promise<RegisteredClient>
  /** The person with the pid or short name `key`, changed by `members` of a fixture file, or a new one. */
  persona(key?: string, members?: Json): Promise<Persona>
  /** The organization with this number, changed by `members` of a fixture file, or a new one. */
  organization(number?: string, members?: Json): Promise<Organization>
  /** A whole world in the place of what was made here; all or nothing. */
  putWorld(world: { organizations?: Json[]; personas?: Json[]; apis?: Json[]; clients?: Json[] }): Promise<Json>
  /** The next login that matches is that of `persona`; the number of the order. */
  loginAs(persona: string | Persona, match?: LoginMatch): Promise<number>
  /** Order the next login, or how it ends; the number of the order. */
  nextLogin(order: LoginOrder): Promise<number>
  /** The address that makes a browser that of a person. */
  loginUrl(persona: string | Persona): string
  /** Order a fault. */
  fault(rule: Json): Promise<{ id: string | number; remove(): Promise<void> } & Json>
  /** The entries that fit, the newest first. */
  journal(wanted?: { client_id?: string; outcome?: string; rule?: string; limit?: number } & Json): Promise<JournalEntry[]>
  /** Hold expectations against what was asked here. Rejects with VerificationError where one does not hold. */
  verify(expectations: { expect: Json[]; client_id?: string; flow?: string; since?: string; after?: number }): Promise<
    { met: true; results: Json[] } & Json
  >
  /** A signed token without a login. */
  token(order?: TokenOrder): Promise<TestToken>
  /** A fresh DPoP proof for one call. */
  proof(order: { access_token: string | TestToken; method: string; url: string; key?: Json | null } & Json): Promise<string>
  /** Every defect of a good token, with what a resource server does about it. */
  tokenMatrix(order: { audience: string; client_id?: string; persona?: string } & Json): Promise<TokenMatrix>
  snapshot(name?: string): Promise<string>
  restore(snapshot: string): Promise<void>
  reset(tag?: string): Promise<void>
  /** A new environment of the same server, which `stop()` ends. */
  environment(wanted?: {
    name?: string
    settings?: Json
    preset?: string
    hosts?: string[]
    fresh_keys?: boolean
    tag?: string
  }): Promise<Helseid>
  /** End what was started or made; what ran before goes on. */
  stop(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** What goes wrong; the message says what to do about it. */
export class MockStsError extends Error {}

/** No server could be started or found; `log` has its last lines. */
export class StartError extends MockStsError {
  readonly log: string[]
}

/** The server refuses, or does not answer. */
export class ControlError extends MockStsError {
  readonly reason: 'refused' | 'no-answer' | 'no-environment' | 'older-server' | 'another-server'
  /** The status of the answer; 0 for none. */
  readonly status: number
  /** The problem document (RFC 9457). */
  readonly problem: Json
  readonly log: string[]
}

/** What was verified is otherwise; the message has a sentence for each expectation that does not hold. */
export class VerificationError extends MockStsError {
  readonly answer: Json
}

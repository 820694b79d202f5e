// An application that logs people in at HelseID: PAR, PKCE, a signed client assertion, DPoP, logout. No framework, one
// file. It knows nothing of the emulator: issuer and client are its configuration.
import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import * as jose from 'jose'
import * as oidc from 'openid-client'

const SCOPE = 'openid profile helseid://scopes/identity/pid helseid://scopes/identity/security_level'

/** Start it on a port of its own. `client` has clientId and privateJwk; `{ url, stop() }`. */
export async function startApplication({ issuer, client, port = 0 }) {
  const { alg, kid } = client.privateJwk
  const key = await jose.importJWK(client.privateJwk, alg)
  const address = new URL(issuer)
  // http is for tests: HelseID has https.
  const execute = address.protocol === 'http:' ? [oidc.allowInsecureRequests] : []
  const authentication = oidc.PrivateKeyJwt({ key, kid })
  const config = await oidc.discovery(address, client.clientId, undefined, authentication, { execute })
  const sessions = new Map()
  let url

  async function logIn(session) {
    const verifier = oidc.randomPKCECodeVerifier()
    Object.assign(session, { verifier, state: oidc.randomState(), nonce: oidc.randomNonce() })
    session.DPoP = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair('ES256'))
    const parameters = {
      redirect_uri: `${url}/callback`,
      scope: SCOPE,
      code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state: session.state,
      nonce: session.nonce,
    }
    return (await oidc.buildAuthorizationUrlWithPAR(config, parameters, { DPoP: session.DPoP })).href
  }

  async function takeCode(session, path) {
    const checks = { pkceCodeVerifier: session.verifier, expectedState: session.state, expectedNonce: session.nonce }
    const tokens = await oidc.authorizationCodeGrant(config, new URL(path, url), checks, undefined, { DPoP: session.DPoP })
    session.idToken = tokens.id_token
    session.person = tokens.claims()
  }

  async function answer(request, response) {
    const path = new URL(request.url, url).pathname
    const known = /(?:^|; )session=([^;]+)/.exec(request.headers.cookie ?? '')?.[1]
    const id = sessions.has(known) ? known : randomUUID()
    const session = sessions.get(id) ?? {}
    sessions.set(id, session)
    response.setHeader('Set-Cookie', `session=${id}; HttpOnly; SameSite=Lax; Path=/`)
    const go = (where) => response.writeHead(302, { Location: where }).end()
    if (path === '/login') return go(await logIn(session))
    if (path === '/callback') {
      try {
        await takeCode(session, request.url)
      } catch (error) {
        return page(response, `<p role="alert">You are not logged in: ${escaped(error.error ?? error.message)}</p>${AGAIN}`)
      }
      return go('/')
    }
    if (path === '/logout') {
      const hint = { id_token_hint: session.idToken, post_logout_redirect_uri: `${url}/` }
      sessions.delete(id)
      return go(oidc.buildEndSessionUrl(config, hint).href)
    }
    if (session.person === undefined) return page(response, `<p>Nobody is logged in.</p>${AGAIN}`)
    const { name, ['helseid://claims/identity/security_level']: level } = session.person
    return page(response, `<h1>${escaped(name)}</h1><p>Level ${escaped(level)}</p><a href="/logout">Log out</a>`)
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((error) => response.writeHead(500).end(String(error)))
  })
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve))
  url = `http://localhost:${server.address().port}`
  return {
    url,
    stop: () => {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(resolve))
    },
  }
}

const AGAIN = '<a href="/login">Log in</a>'

function page(response, body) {
  response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' })
  response.end(`<!doctype html><html lang="en"><title>An application</title>${body}</html>`)
}

function escaped(text) {
  return String(text).replace(/[&<>"]/g, (c) => `&#${c.codePointAt(0)};`)
}

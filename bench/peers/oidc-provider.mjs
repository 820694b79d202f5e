// oidc-provider as our peer: client authentication by key, DPoP with a nonce that is required, pushed requests, and an
// access token of about our claims. Its state is in memory, in the adapter that it comes with.
import { readFileSync } from 'node:fs'
import { Provider } from 'oidc-provider'

const { port, key, api, scopes, clients, person } = JSON.parse(readFileSync(process.argv[2], 'utf8'))
const issuer = `http://localhost:${port}`

const provider = new Provider(issuer, {
  clients: clients.map((client) => ({
    ...client,
    response_types: client.grant_types.includes('authorization_code') ? ['code'] : [],
    token_endpoint_auth_method: 'private_key_jwt',
    token_endpoint_auth_signing_alg: 'RS256',
    id_token_signed_response_alg: 'RS256',
    dpop_bound_access_tokens: true,
  })),
  jwks: { keys: [key] },
  cookies: { keys: ['bench'] },
  claims: { openid: ['sub'], profile: ['name', 'given_name', 'family_name'], ...scopes },
  conformIdTokenClaims: false,
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    dPoP: { enabled: true, nonceSecret: Buffer.alloc(32, 1), requireNonce: () => true },
    pushedAuthorizationRequests: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: (ctx, client, oneOf) => oneOf ?? api.audience,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        audience: api.audience,
        scope: api.scopes.join(' '),
        accessTokenFormat: 'jwt',
        accessTokenTTL: 600,
        jwt: { sign: { alg: 'RS256' } },
      }),
    },
  },
  routes: {
    authorization: '/connect/authorize',
    jwks: '/jwks',
    pushed_authorization_request: '/connect/par',
    token: '/connect/token',
    userinfo: '/connect/userinfo',
  },
  extraTokenClaims: (ctx, token) => ({
    nbf: Math.floor(Date.now() / 1000),
    client_amr: 'private_key_jwt',
    'helseid://claims/client/claims/orgnr_parent': '213000012',
    'helseid://claims/client/client_tenancy': 'single-tenant',
    ...(token.accountId && person),
  }),
  findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id, ...person }) }),
  interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
})

// Every login is of the one person, who has agreed to everything.
provider.use(async (ctx, next) => {
  if (!ctx.path.startsWith('/interaction/')) return next()
  const { params } = await provider.interactionDetails(ctx.req, ctx.res)
  const grant = new provider.Grant({ accountId: 'person', clientId: params.client_id })
  grant.addOIDCScope(['openid', 'profile', ...Object.keys(scopes)].join(' '))
  grant.addResourceScope(api.audience, api.scopes.join(' '))
  ctx.respond = false
  await provider.interactionFinished(ctx.req, ctx.res, {
    login: { accountId: 'person' },
    consent: { grantId: await grant.save() },
  })
})

provider.on('server_error', (ctx, error) => console.error(error))
provider.listen(port, '127.0.0.1')

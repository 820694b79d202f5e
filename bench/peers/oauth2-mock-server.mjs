// oauth2-mock-server as our peer: it signs for everyone, and looks at neither assertion nor proof.
import { readFileSync } from 'node:fs'
import { OAuth2Server } from 'oauth2-mock-server'

const { port, key } = JSON.parse(readFileSync(process.argv[2], 'utf8'))
const server = new OAuth2Server(undefined, undefined, { endpoints: { token: '/connect/token' } })
await server.issuer.keys.add(key)
await server.start(port, '127.0.0.1')

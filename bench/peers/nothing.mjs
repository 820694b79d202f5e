// A server that does nothing, to show what the driver can do: an answer as long as a token's to each request.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'

const { port } = JSON.parse(readFileSync(process.argv[2], 'utf8'))
const body = JSON.stringify({ access_token: 'x'.repeat(1300), expires_in: 600, token_type: 'DPoP' })
const answer = `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`
createServer((socket) => {
  socket.on('data', () => socket.write(answer))
  socket.on('error', () => socket.destroy())
}).listen(port, '127.0.0.1')

// Prints the messages of the example's WebSocket, and how it was closed.
import { WebSocket } from 'ws'

const [address = '', token = ''] = process.argv.slice(2)
const socket = new WebSocket(address, { headers: { authorization: `Bearer ${token}` } })
socket.on('message', (text) => console.log(String(text)))
socket.on('close', (code, reason) => console.log(`closed: ${code} ${reason}`))
socket.on('error', (error) => console.log(error.message))

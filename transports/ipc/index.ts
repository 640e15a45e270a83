/** The entry point `vivarium/transports/ipc`. */
export { type IpcOptions, ipc } from './ipc-transport.js'

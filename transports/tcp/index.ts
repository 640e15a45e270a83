/** The entry point `vivarium/transports/tcp`. */
export type { TcpOptions, TlsOptions } from './tcp-options.js'
export { tcp } from './tcp-transport.js'

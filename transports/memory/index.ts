/** The entry point `vivarium/transports/memory`. */
export { type MemoryNetwork, memoryNetwork } from './memory-network.js'
export { type MemoryOptions, memory } from './memory-transport.js'

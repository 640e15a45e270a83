/**
 * The options of Peer.open that are on or off, and are the core's as they are (core/protocol-options.ts says what each means).
 * Before: peer-options.ts.
 */
import { defaultProtocolOptions, type ProtocolOptions } from '../core/protocol-options.js'

const isBoolean = (value: unknown) => (typeof value === 'boolean' ? undefined : 'must be true or false')
export const switches = {
  extendedTypesEnabled: isBoolean,
  enforceQuota: isBoolean,
  localSessionsEnabled: isBoolean,
  localSessionsUpgradingEnabled: isBoolean,
  readOnlyModeEnabled: isBoolean,
  eagerAclCheck: isBoolean,
  auditWrites: isBoolean,
} as const

export type Switch = keyof typeof switches

/** On or off, as given or as usual. */
export function switched(options: Partial<ProtocolOptions>): Pick<ProtocolOptions, Switch> {
  const names = Object.keys(switches) as Switch[]
  const values = names.map(name => [name, options[name] ?? defaultProtocolOptions[name]] as const)
  return Object.fromEntries(values) as Record<Switch, boolean>
}

/**
 * Which requests are refused while the disk is low: those that can make the tree larger. What makes it smaller goes on, and what ends or begins a
 * session: locks are released, ephemerals go, and whoever wants to read can.
 * Used by request-stations.ts for this peer's clients and by prepare.ts for everybody's.
 */
import type { Request } from '../../model/request.js'

export function needsSpace(request: Request): boolean {
  switch (request.kind) {
    case 'create':
    case 'setData':
    case 'setAcl':
      return true
    case 'multi':
      return request.steps.some(needsSpace)
    default:
      return false
  }
}

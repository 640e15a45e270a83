/** The rules that every peer has, without a superuser. */
import { standardSchemes } from '../../lib/auth/authenticator.js'
import { Access } from '../../lib/core/tree/access.js'

export const access = new Access(standardSchemes())

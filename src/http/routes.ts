// All routes of the API that are rows.
import { accountRoutes } from './account-routes.ts'
import type { Route } from './route.ts'
import { sessionRoutes } from './session-routes.ts'

export function apiRoutes(): Route[] {
  return [...sessionRoutes(), ...accountRoutes()]
}

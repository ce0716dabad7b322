import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
} from '@tanstack/react-router';
import { FleetPage } from './pages/fleet.tsx';
import { fleetSearch, parseSearch, rangeSearchOf, stringifySearch } from './search.ts';
import { Crash, Missing, Shell } from './shell/shell.tsx';

const rootRoute = createRootRoute({
  component: Shell,
  notFoundComponent: Missing,
  errorComponent: Crash,
});

const fleetRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/',
  validateSearch: fleetSearch,
  component: FleetPage,
});

// Pages with charts come as a chunk of their own: the fleet needs no chart library.
const hostRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/hosts/$instance',
  validateSearch: rangeSearchOf,
  component: lazyRouteComponent(() => import('./pages/host.tsx'), 'HostPage'),
});

const instanceRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/instances/$uuid',
  validateSearch: rangeSearchOf,
  component: lazyRouteComponent(() => import('./pages/instance.tsx'), 'InstancePage'),
});

const alertsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/alerts',
  component: lazyRouteComponent(() => import('./pages/alerts.tsx'), 'AlertsPage'),
});

export const router = createRouter({
  routeTree: rootRoute.addChildren([fleetRoute, hostRoute, instanceRoute, alertsRoute]),
  parseSearch,
  stringifySearch,
  defaultPreload: 'intent',
  scrollRestoration: true,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}

declare module '@tanstack/history' {
  interface HistoryState {
    /** How many zooms led here; each is undone by going back. */
    zooms?: number;
  }
}

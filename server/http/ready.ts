import type { Instance, Services } from '../services.ts';
import { RequestFailure } from './statuses.ts';

/** The services, once there are any. */
export function services(instance: Instance): Services {
  const phase = instance.phase();
  switch (phase.kind) {
    case 'ready':
      return phase.services;
    case 'starting':
      throw new RequestFailure('starting', `Nephoscope is starting: ${phase.progress}`);
    case 'stopping':
      throw new RequestFailure('stopping', 'Nephoscope is stopping');
  }
}

/** One service, or the failure that says which role would bring it. */
export function service<K extends keyof Services>(
  instance: Instance,
  name: K,
): NonNullable<Services[K]> {
  const found = services(instance)[name];
  if (found === undefined || found === null) {
    throw new RequestFailure(
      'role-off',
      `this process runs without the ${name}: its roles are ` +
        instance.config.settings['server.roles'].join(', '),
    );
  }
  return found;
}

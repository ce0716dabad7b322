import type { FastifyInstance } from 'fastify';
import { encodeAlerts, encodeRules } from '../../alerter/wire.ts';
import { encodeSuccess } from '../../query/wire.ts';
import type { Instance } from '../services.ts';
import { Parameters, bad } from './parameters.ts';
import { services } from './ready.ts';
import { route, sendJson } from './routes.ts';

/** Rules and alerts as the Prometheus API shows them; without the alerter role there are none. */
export function rulesRoutes(app: FastifyInstance, instance: Instance): void {
  route(app, ['GET'], '/api/v1/rules', (request, reply) => {
    const kind = new Parameters(request).text('type');
    if (kind !== undefined && kind !== 'alert' && kind !== 'record') {
      throw bad('type', 'must be alert or record');
    }
    const groups = services(instance).alerter?.groups() ?? [];
    const wanted = kind === 'alert' ? 'alerting' : 'recording';
    const shown =
      kind === undefined
        ? groups
        : groups
            .map((group) => ({
              ...group,
              rules: group.rules.filter((rule) => rule.kind === wanted),
            }))
            .filter((group) => group.rules.length > 0);
    return sendJson(reply, encodeSuccess(JSON.stringify(encodeRules(shown))));
  });
  route(app, ['GET'], '/api/v1/alerts', (_, reply) => {
    const alerts = services(instance).alerter?.alerts() ?? [];
    return sendJson(reply, encodeSuccess(JSON.stringify(encodeAlerts(alerts))));
  });
}

import { useQuery } from '@tanstack/react-query';
import { BellRing, CircleCheck, CircleX, Hourglass } from 'lucide-react';
import type { LucideIcon } from 'lucide-react';
import { fetchRules } from '../api/prometheus.ts';
import type { ActiveAlert, Rule, RuleGroup } from '../api/prometheus.ts';
import { ScrollRegion } from '../controls/scroll-region.tsx';
import { momentWords } from '../format/moment.ts';
import { ageText } from '../format/units.ts';
import { useServerNow } from '../live/connection-mark.tsx';
import { durationText } from '../../model/duration.ts';
import { useAlerts } from '../shell/queries.ts';
import { useTitle } from '../shell/title.ts';
import styles from './alerts.module.css';
import { Failed } from './notice.tsx';

export function AlertsPage() {
  useTitle('Alerts');
  return (
    <>
      <h1 className={styles['title']}>Alerts</h1>
      <h2 className="visually-hidden">Pending and firing</h2>
      <Active />
      <h2 className={styles['subtitle']}>Rules</h2>
      <Rules />
    </>
  );
}

const ORDER: readonly string[] = ['firing', 'pending', 'inactive'];

function Active() {
  const answer = useAlerts();
  const nowMs = useServerNow();
  if (answer.isError && !answer.data) {
    return <Failed what="The alerts" error={answer.error} onRetry={() => void answer.refetch()} />;
  }
  if (!answer.data) return <Loading what="alerts" />;
  const alerts = [...answer.data].sort(
    (a, b) =>
      ORDER.indexOf(a.state) - ORDER.indexOf(b.state) ||
      Date.parse(b.activeAt) - Date.parse(a.activeAt),
  );
  if (alerts.length === 0) {
    return (
      <div className={styles['calm']} role="status">
        <CircleCheck size={22} aria-hidden />
        <p className={styles['calmTitle']}>Nothing fires</p>
        <p>No rule is pending or firing.</p>
      </div>
    );
  }
  return (
    <ul className={styles['alerts']} aria-label="Pending and firing alerts">
      {alerts.map((alert) => (
        <li key={JSON.stringify(alert.labels)}>
          <Alert alert={alert} nowMs={nowMs} />
        </li>
      ))}
    </ul>
  );
}

function Alert({ alert, nowMs }: { readonly alert: ActiveAlert; readonly nowMs: number }) {
  const { alertname, severity, ...others } = alert.labels;
  const { summary, description } = alert.annotations;
  const activeMs = Date.parse(alert.activeAt);
  return (
    <article className={styles['alert']} data-state={alert.state}>
      <div className={styles['head']}>
        <AlertState state={alert.state} />
        <h3>{alertname}</h3>
        {severity !== undefined && <span className={styles['severity']}>{severity}</span>}
        <span className={styles['since']} title={momentWords(activeMs, nowMs)}>
          since {momentWords(activeMs, nowMs)} ({ageText(nowMs - activeMs)})
        </span>
      </div>
      {(summary ?? description) !== undefined && <p>{summary ?? description}</p>}
      <ul className={styles['labels']} aria-label="Labels">
        {Object.entries(others).map(([name, value]) => (
          <li key={name}>
            {name}=<span>{value}</span>
          </li>
        ))}
        <li>
          value <span>{shortNumber(alert.value)}</span>
        </li>
      </ul>
    </article>
  );
}

function shortNumber(text: string): string {
  const number = Number(text);
  return Number.isFinite(number) ? String(Number(number.toPrecision(5))) : text;
}

const STATES: Readonly<Record<string, readonly [LucideIcon, string]>> = {
  firing: [BellRing, 'firing'],
  pending: [Hourglass, 'pending'],
  inactive: [CircleCheck, 'quiet'],
  failing: [CircleX, 'failing'],
};

function AlertState({ state }: { readonly state: string }) {
  const [Icon, word] = STATES[state] ?? STATES['pending']!;
  return (
    <span className={styles['state']} data-state={state}>
      <Icon size={14} aria-hidden /> {word}
    </span>
  );
}

const RULES_INTERVAL_MS = 5000;

function Rules() {
  const answer = useQuery({
    queryKey: ['rules'],
    queryFn: ({ signal }) => fetchRules(signal),
    refetchInterval: RULES_INTERVAL_MS,
  });
  if (answer.isError && !answer.data) {
    return <Failed what="The rules" error={answer.error} onRetry={() => void answer.refetch()} />;
  }
  if (!answer.data) return <Loading what="rules" />;
  if (answer.data.length === 0) {
    return (
      <p className={styles['none']}>
        No rule files are loaded. Start the server with <code>--rules &apos;rules/*.yml&apos;</code>{' '}
        to load some.
      </p>
    );
  }
  return answer.data.map((group) => <Group key={`${group.file} ${group.name}`} group={group} />);
}

function Group({ group }: { readonly group: RuleGroup }) {
  return (
    <section className={styles['group']} aria-label={`Rule group ${group.name}`}>
      <h3>
        {group.name}{' '}
        <span>
          {group.file} · every {durationText(group.interval * 1000)}
        </span>
      </h3>
      <ScrollRegion className={styles['scroll']} label={`Rules of ${group.name}`}>
        <table>
          <thead>
            <tr>
              <th scope="col">State</th>
              <th scope="col">Rule</th>
              <th scope="col">For</th>
              <th scope="col">Expression</th>
            </tr>
          </thead>
          <tbody>
            {group.rules.map((rule) => (
              <RuleRow key={`${rule.name} ${rule.query}`} rule={rule} />
            ))}
          </tbody>
        </table>
      </ScrollRegion>
    </section>
  );
}

function RuleRow({ rule }: { readonly rule: Rule }) {
  const failing = rule.health === 'err';
  const state = failing ? 'failing' : rule.type === 'alerting' ? (rule.state ?? 'inactive') : '';
  return (
    <tr>
      <td>{state === '' ? 'recording' : <AlertState state={state} />}</td>
      <th scope="row">{rule.name}</th>
      <td>{rule.type === 'alerting' ? durationText((rule.duration ?? 0) * 1000) : ''}</td>
      <td>
        <code>{rule.query}</code>
        {failing && <p className={styles['error']}>{rule.lastError}</p>}
      </td>
    </tr>
  );
}

function Loading({ what }: { readonly what: string }) {
  return (
    <div className={styles['loading']} role="status">
      <span className="visually-hidden">Loading {what}</span>
    </div>
  );
}

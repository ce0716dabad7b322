import { X } from 'lucide-react';
import type { Ref } from 'react';
import styles from './help.module.css';
import { SHORTCUTS } from './shortcuts.ts';

export function HelpDialog({ ref }: { readonly ref: Ref<HTMLDialogElement> }) {
  return (
    <dialog ref={ref} className={styles['dialog']} aria-labelledby="help-title">
      <form method="dialog" className={styles['head']}>
        <h2 id="help-title">Keyboard and mouse</h2>
        <button className={styles['close']} aria-label="Close">
          <X size={16} aria-hidden />
        </button>
      </form>
      <dl className={styles['keys']}>
        {SHORTCUTS.map(([keys, action]) => (
          <div key={action}>
            <dt>
              {keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{action}</dd>
          </div>
        ))}
      </dl>
      <h3>Charts</h3>
      <ul className={styles['hints']}>
        <li>Drag across a chart to zoom all charts of the page; double-click or Esc goes back.</li>
        <li>Click a name below a chart to show it alone; with Ctrl or Shift to hide it.</li>
        <li>The button in a chart’s corner shows its values as a table.</li>
        <li>The address of a page holds its range, filter and order: copy it to share the view.</li>
      </ul>
      <h3>States</h3>
      <ul className={styles['hints']}>
        <li>Hatched: nothing is known now. A gap in a line: nothing was known then.</li>
        <li>
          Grey with a clock: the values are old, because nothing has come for three intervals.
        </li>
        <li>Ended: the instance no longer exists; its past stays.</li>
      </ul>
    </dialog>
  );
}

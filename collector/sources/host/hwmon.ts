import type { SampleSink, Source } from '../../source.ts';
import type { Host } from './host.ts';
import { baseName, decimal, linkedPath, namesIn, textIn } from './kernel-text.ts';
import { SeriesPool } from './series-pool.ts';

const DIRECTORY = '/sys/class/hwmon';

const SENSOR_KINDS: ReadonlySet<string> = new Set([
  'vrm',
  'beep_enable',
  'update_interval',
  'in',
  'cpu',
  'fan',
  'pwm',
  'temp',
  'curr',
  'power',
  'energy',
  'humidity',
  'intrusion',
  'freq',
]);

interface Sensor {
  readonly kind: string;
  /** `temp1`: the kind with its number, 0 when it has none. */
  readonly name: string;
  /** By property (`input`, `max`, …); the value itself may stand under the empty name. */
  readonly values: Map<string, string>;
}

/** Sensors of the hardware: temperatures, fans, voltages, power. */
export function createHwmonSource(host: Host): Source {
  const pool = new SeriesPool();
  const { tree } = host;

  function readSensors(directory: string): readonly Sensor[] {
    const sensors = new Map<string, Sensor>();
    // Old drivers keep the files with the device instead.
    for (const place of [directory, `${directory}/device`]) {
      for (const file of namesIn(tree, place)) {
        const parsed = parseFileName(file);
        if (parsed === undefined) continue;
        const value = tree.readText(`${place}/${file}`);
        if (value === undefined) continue;
        const { name, kind, property } = parsed;
        let sensor = sensors.get(name);
        if (sensor === undefined) {
          sensor = { kind, name, values: new Map() };
          sensors.set(name, sensor);
        }
        sensor.values.set(property, value);
      }
    }
    return [...sensors.values()];
  }

  /** The path of the device is the same after each start, hwmon's numbers are not. */
  function chipName(directory: string): string {
    const target = tree.readLink(directory);
    const real = target === undefined ? directory : linkedPath(directory, target);
    const toDevice = tree.readLink(`${directory}/device`);
    if (toDevice !== undefined) {
      const device = linkedPath(`${real}/device`, toDevice);
      const name = clean(baseName(device));
      const bus = clean(baseName(device.slice(0, device.lastIndexOf('/'))));
      if (name !== '') return bus === '' ? name : `${bus}_${name}`;
    }
    return clean(textIn(tree, `${directory}/name`)) || clean(baseName(real));
  }

  /** Several chips may sit on one device; then the device alone does not tell them apart. */
  function chips(): readonly Chip[] {
    const found = namesIn(tree, DIRECTORY).map((hwmon): Chip => {
      const directory = `${DIRECTORY}/${hwmon}`;
      return {
        directory,
        name: chipName(directory),
        text: clean(textIn(tree, `${directory}/name`)),
      };
    });
    return found.map((chip) => {
      const rivals = found.filter(({ name }) => name === chip.name);
      if (rivals.length === 1) return chip;
      const isTold =
        chip.text !== '' && rivals.filter(({ text }) => text === chip.text).length === 1;
      const suffix = isTold ? chip.text : clean(baseName(chip.directory));
      return { ...chip, name: `${chip.name}_${suffix}` };
    });
  }

  return {
    name: 'hwmon',
    intervalMs: host.slowMs,
    sample(sink) {
      for (const { directory, name: chip, text } of chips()) {
        if (chip === '') continue;
        if (text !== '') pool.push(sink, 'node_hwmon_chip_names', { chip, chip_name: text }, 1);
        for (const sensor of readSensors(directory)) pushSensor(pool, sink, chip, sensor);
      }
      pool.finish();
    },
  };
}

interface Chip {
  readonly directory: string;
  /** From the place of its device. */
  readonly name: string;
  /** What the driver calls it. */
  readonly text: string;
}

function pushSensor(pool: SeriesPool, sink: SampleSink, chip: string, sensor: Sensor): void {
  const { kind, values } = sensor;
  const labels = { chip, sensor: sensor.name };
  const label = values.get('label') ?? '';
  if (label !== '') pool.push(sink, 'node_hwmon_sensor_label', { ...labels, label }, 1);
  const own = decimal(values.get('') ?? '');
  switch (kind) {
    case 'beep_enable':
      pool.push(sink, 'node_hwmon_beep_enabled', labels, own === 1 ? 1 : 0);
      return;
    case 'vrm':
      pool.push(sink, 'node_hwmon_voltage_regulator_version', labels, own);
      return;
    case 'update_interval':
      pool.push(sink, 'node_hwmon_update_interval_seconds', labels, own / 1000);
      return;
  }
  for (const [property, text] of values) {
    if (property === 'label') continue;
    const value = decimal(text);
    if (kind === 'freq' && property === 'input') {
      // Only named clocks, under their names.
      const named = { chip, sensor: clean(label) };
      if (named.sensor !== '') pool.push(sink, 'node_hwmon_freq_freq_mhz', named, value / 1e6);
      continue;
    }
    const suffix =
      property === 'input'
        ? values.has('')
          ? '_input'
          : ''
        : property === ''
          ? ''
          : `_${clean(property)}`;
    const { unit, divide } = unitOf(kind, property);
    pool.push(sink, `node_hwmon_${kind}${suffix}${unit}`, labels, value / divide);
  }
}

/** The unit in the series' name, and how many of the kernel's units make one. */
function unitOf(kind: string, property: string): { unit: string; divide: number } {
  const milli = (unit: string): { unit: string; divide: number } => ({ unit, divide: 1000 });
  const micro = (unit: string): { unit: string; divide: number } => ({ unit, divide: 1e6 });
  if (property === 'fault' || property === 'alarm') return { unit: '', divide: 1 };
  if (property === 'beep') return { unit: '_enabled', divide: 1 };
  if (kind === 'in' || kind === 'cpu') return milli('_volts');
  // This makes temp_crit_alarm an alarm in celsius; dashboards everywhere know it by this name.
  if (kind === 'temp' && property !== 'type') return milli('_celsius');
  if (kind === 'curr') return milli('_amps');
  if (kind === 'energy') return micro('_joule_total');
  if (kind === 'power') {
    if (property === 'accuracy') return micro('');
    return property.startsWith('average_interval') ? milli('_seconds') : micro('_watt');
  }
  if (kind === 'humidity') return micro('');
  const isSpeed = ['input', 'min', 'max', 'target'].includes(property);
  return { unit: kind === 'fan' && isSpeed ? '_rpm' : '', divide: 1 };
}

/** `temp1_crit_alarm`: a kind, a number and a property, of which only the kind must be there. */
function parseFileName(
  file: string,
): { readonly name: string; readonly kind: string; readonly property: string } | undefined {
  const parts = /^([a-z_]{1,32}?)(\d{1,6})?(?:_([a-z0-9_]{1,64}))?$/.exec(file);
  if (parts === null) return undefined;
  const [, kind = '', number] = parts;
  const property = parts[3] ?? '';
  if (number === undefined) {
    // Of the names without a number only these two have a line within the kind itself.
    const whole = property === '' ? kind : `${kind}_${property}`;
    return SENSOR_KINDS.has(whole) ? { name: `${whole}0`, kind: whole, property: '' } : undefined;
  }
  if (!SENSOR_KINDS.has(kind)) return undefined;
  return { name: `${kind}${Number(number)}`, kind, property };
}

/** As it may stand in a metric's name. */
function clean(text: string): string {
  const replaced = text.toLowerCase().replace(/[^a-z0-9:_]/g, '_');
  let start = 0;
  let end = replaced.length;
  while (start < end && replaced[start] === '_') start++;
  while (end > start && replaced[end - 1] === '_') end--;
  return replaced.slice(start, end);
}

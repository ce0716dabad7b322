/** The public API as a client sees it. */
export interface ApiSeries {
  readonly metric: Readonly<Record<string, string>>;
  readonly value?: readonly [number, string];
  readonly values?: readonly (readonly [number, string])[];
}

export interface ApiAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly state: 'pending' | 'firing';
  readonly activeAt: string;
  readonly value: string;
}

async function get(url: string, path: string, query: Readonly<Record<string, string>>) {
  const parameters = new URLSearchParams(query).toString();
  const response = await fetch(`${url}${path}?${parameters}`, {
    signal: AbortSignal.timeout(10_000),
  });
  const body = (await response.json()) as { status: string; error?: string; data: unknown };
  if (!response.ok || body.status !== 'success') {
    throw new Error(`${path} answered ${response.status}: ${body.error}`);
  }
  return body.data;
}

/** An instant query; the result of a range selector has raw samples. */
export async function query(url: string, text: string, timeMs?: number): Promise<ApiSeries[]> {
  const data = await get(url, '/api/v1/query', {
    query: text,
    ...(timeMs !== undefined && { time: String(timeMs / 1000) }),
  });
  return (data as { result: ApiSeries[] }).result;
}

/** The one value of an instant query; undefined when there is none. */
export async function valueOf(
  url: string,
  text: string,
  timeMs?: number,
): Promise<number | undefined> {
  const [first, ...others] = await query(url, text, timeMs);
  if (others.length > 0) throw new Error(`${text} gives ${others.length + 1} series`);
  return first?.value ? Number(first.value[1]) : undefined;
}

export async function alerts(url: string): Promise<ApiAlert[]> {
  return ((await get(url, '/api/v1/alerts', {})) as { alerts: ApiAlert[] }).alerts;
}

export interface InventoryInstance {
  readonly uuid: string;
  readonly domain: string;
  readonly state: string;
  readonly endedAtMs: number | null;
}

export async function inventory(
  url: string,
): Promise<{ readonly instances: readonly InventoryInstance[] }> {
  const response = await fetch(`${url}/api/nephoscope/v1/inventory?within=1h`, {
    signal: AbortSignal.timeout(10_000),
  });
  if (!response.ok) throw new Error(`the inventory answered ${response.status}`);
  return (await response.json()) as { instances: InventoryInstance[] };
}

import { Failure, messageOf } from '../../model/failure.ts';

export type RequestFailureCode = 'unreachable' | 'refused';

/** A request that brought no answer, or an answer that is an error. */
export class RequestFailure extends Failure<RequestFailureCode> {
  override readonly name = 'RequestFailure';
}

const TIMEOUT_MS = 30_000;

export async function getJson(path: string, signal: AbortSignal): Promise<unknown> {
  const response = await ask(path, {}, AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]));
  return await response.json();
}

export async function postForm(
  path: string,
  form: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<unknown> {
  const response = await ask(
    path,
    { method: 'POST', body: new URLSearchParams(form) },
    AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
  );
  return await response.json();
}

/** The body of an answer without an end; the caller decides how long silence may last. */
export async function postForStream(
  path: string,
  json: unknown,
  signal: AbortSignal,
): Promise<ReadableStream<Uint8Array>> {
  const response = await ask(
    path,
    {
      method: 'POST',
      body: JSON.stringify(json),
      headers: { 'content-type': 'application/json', accept: 'application/x-ndjson' },
    },
    signal,
  );
  if (!response.body) throw new RequestFailure('unreachable', `${path} answered without a body`);
  return response.body;
}

async function ask(path: string, init: RequestInit, signal: AbortSignal): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, { ...init, signal });
  } catch (thrown) {
    if (signal.aborted && signal.reason instanceof DOMException) {
      if (signal.reason.name === 'AbortError') throw thrown;
    }
    throw new RequestFailure('unreachable', `the server does not answer (${messageOf(thrown)})`, {
      cause: thrown,
    });
  }
  if (response.ok) return response;
  throw new RequestFailure('refused', await errorMessage(response));
}

/** What the server says went wrong, whichever of its two error forms it uses. */
async function errorMessage(response: Response): Promise<string> {
  const text = await response.text().catch(() => '');
  try {
    const body = JSON.parse(text) as { readonly error?: unknown; readonly message?: unknown };
    if (typeof body.error === 'string' && body.error !== '') return body.error;
    if (typeof body.message === 'string') return body.message;
  } catch {
    // Not JSON: the text itself is the best there is.
  }
  return text === '' ? `the server answered ${response.status}` : text.slice(0, 500);
}

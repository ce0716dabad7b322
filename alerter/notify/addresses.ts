import { Failure } from '../../model/failure.ts';

/**
 * One plain mailbox, `local@domain`, and nothing else: no display name, list, comment, quoting or line
 * break, because each of these has been a way to send mail to somebody else.
 */
const ADDRESS =
  /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@(?:[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*|\[[0-9A-Fa-f.:]+\])$/;
const ADDRESS_CHARACTERS_MAX = 254;
const RECIPIENTS_MAX = 100;

export class AddressFailure extends Failure<'bad-address'> {
  override readonly name = 'AddressFailure';
}

/** Fails with `bad-address` unless every address is one plain mailbox and there is at least one recipient. */
export function checkAddresses(from: string, to: readonly string[]): void {
  checkAddress(from, 'sender');
  if (to.length === 0 || to.length > RECIPIENTS_MAX) {
    throw new AddressFailure(
      'bad-address',
      `${to.length} recipients for alert mail: give 1 to ${RECIPIENTS_MAX}`,
    );
  }
  for (const address of to) checkAddress(address, 'recipient');
}

function checkAddress(address: string, role: string): void {
  if (address.length <= ADDRESS_CHARACTERS_MAX && ADDRESS.test(address)) return;
  throw new AddressFailure(
    'bad-address',
    `the ${role} ${JSON.stringify(address.slice(0, 100))} is not a plain mail address such as noc@example.org`,
  );
}

import { Failure } from '../../../model/failure.ts';

export type LibvirtFailureCode =
  /** No libvirt daemon listens on any of the sockets. */
  | 'unreachable'
  /** The daemon wants a proof of identity that we cannot give. */
  | 'not-authorized'
  /** The other side does not speak the protocol, or broke one of its limits. */
  | 'protocol'
  /** The daemon answered a call with an error of its own. */
  | 'remote'
  /** A call was not answered in time. */
  | 'timeout'
  /** The connection ended while a call was under way. */
  | 'closed'
  /** More calls than the bounded queue takes. */
  | 'busy';

export class LibvirtFailure extends Failure<LibvirtFailureCode> {
  override readonly name = 'LibvirtFailure';
}

/** An error that libvirtd itself reported, with the numbers of its `virErrorNumber` and `virErrorDomain`. */
export class LibvirtRemoteFailure extends LibvirtFailure {
  readonly errorNumber: number;
  readonly errorDomain: number;

  constructor(message: string, errorNumber: number, errorDomain: number) {
    super('remote', message);
    this.errorNumber = errorNumber;
    this.errorDomain = errorDomain;
  }
}

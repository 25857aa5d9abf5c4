export { type Accepted, Acceptor, type Incoming, isUnavailable } from './acceptor';
export { Intake, type IntakeResult } from './intake';
export { admit, quotaExceeded, type Admission } from './admission';

export { Users, type User } from './access/users';
export type { SignedSample } from './api/samples';
export { redriveMany, type Redrive, type Redriven } from './api/redrive';
export { OperationsModule } from './operations.module';
export { startOperations, type OperationsServer } from './server';
export { credentialsFile, ensureFirstAccess, type Access } from './access/first-access';

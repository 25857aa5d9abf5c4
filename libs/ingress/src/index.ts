export { IngressModule } from './ingress.module';
export { startIngress, type IngressServer } from './server';

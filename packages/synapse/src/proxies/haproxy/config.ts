export interface HaproxyService {
  readonly port?: number | null;
}

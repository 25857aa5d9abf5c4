import { Controller, Get } from '@nestjs/common';
import { openApi } from './openapi';

@Controller()
export class OpenApiController {
  @Get('openapi.json')
  document() {
    return openApi();
  }
}

-- Versions that were taken back before they came into force. A mark beside the version, which itself never
-- changes: what was once announced can still be looked up.
create table service.withdrawn_catalogues (
    version bigint primary key references service.catalogues,
    withdrawn_at timestamptz not null
);

grant select, insert on service.withdrawn_catalogues to prorata_service;

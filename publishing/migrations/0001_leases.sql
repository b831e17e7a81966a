create schema publishing;

-- Which relay works on which stream, until when by this database's clock. A relay without the lease writes nothing:
-- two that both tried would fence each other for ever. What keeps records single is Kafka's fencing, not this.
create table publishing.leases (
    stream text collate "C" primary key,
    holder uuid not null,
    label text not null,
    acquired_at timestamptz not null,
    expires_at timestamptz not null
);

grant usage on schema publishing to prorata_service;
grant select, insert, update on publishing.leases to prorata_service;

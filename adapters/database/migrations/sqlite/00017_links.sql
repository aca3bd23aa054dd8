-- +goose Up

-- Which account is whose: an account, as of Telegram, that was joined to the
-- resident of a telephone number. Ids are those of residents.id.
create table links (
    account  text   not null primary key,     -- who it would be by itself
    resident text   not null,                 -- whose it is
    channel  text   not null,
    body     blob   not null,                 -- subjects of both and the account's address, encrypted
    created  bigint not null,
    unique (resident, channel)                -- one account on each channel
) without rowid;

-- Codes that accounts were shown, one each.
create table link_codes (
    account text   not null primary key,
    code    text   not null unique,           -- keyed hash
    channel text   not null,
    body    blob   not null,                  -- subject and address of the account, encrypted
    expires bigint not null
) without rowid;

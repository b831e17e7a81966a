-- What was given back of a charge, since no more can be given back than was charged.
create index gateway_refunds_of_charge on service.gateway_refunds (charge);

-- What 7.10 has otherwise than 8.3: clients and their contacts sign in themselves, and every service is one unit.

DROP TABLE tblusers;
DROP TABLE tblusers_clients;
DROP TABLE tbluser_invites;
ALTER TABLE tblhosting DROP COLUMN qty;
ALTER TABLE tblhostingaddons DROP COLUMN qty, DROP COLUMN proratadate;
ALTER TABLE tbladdons DROP COLUMN allowqty, DROP COLUMN prorate;
ALTER TABLE tblorders DROP COLUMN requestor_id, DROP COLUMN admin_requestor_id;
ALTER TABLE tblproducts DROP COLUMN slug, DROP COLUMN is_featured;
ALTER TABLE tblproductgroups DROP COLUMN slug;

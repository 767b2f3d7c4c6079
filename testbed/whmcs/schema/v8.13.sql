-- What 8.13 has otherwise than 8.3: no card data beside the client, and columns for what newer versions sell.

ALTER TABLE tblclients
  DROP COLUMN cardnum, DROP COLUMN startdate, DROP COLUMN expdate, DROP COLUMN issuenumber,
  DROP COLUMN bankcode, DROP COLUMN bankacct;

ALTER TABLE tblhosting
  ADD COLUMN recommendation_source_product_id int(10) unsigned NULL DEFAULT NULL,
  ADD COLUMN upsell_from_products varchar(40) NULL DEFAULT NULL;

ALTER TABLE tblhostingaddons ADD COLUMN upsell_from_products varchar(40) NULL DEFAULT NULL;

ALTER TABLE tblorders
  ADD COLUMN purchase_source int(10) NOT NULL DEFAULT 4,
  ADD COLUMN has_referral_products tinyint(1) NOT NULL DEFAULT 0;

ALTER TABLE tblproducts
  ADD COLUMN color text NULL, ADD COLUMN tagline text NULL, ADD COLUMN short_description text NULL;

ALTER TABLE tblpricing MODIFY type
  enum('product','addon','configoptions','domainregister','domaintransfer','domainrenew','domainaddons','usage')
  NOT NULL DEFAULT 'product';

ALTER TABLE tblservergroupsrel ADD COLUMN id int(10) unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY FIRST;

CREATE TABLE tblproducts_slugs (
  id int(10) unsigned NOT NULL AUTO_INCREMENT,
  product_id int(10) unsigned NOT NULL,
  group_id int(10) unsigned NOT NULL,
  group_slug varchar(255) NOT NULL DEFAULT '',
  slug varchar(255) NOT NULL DEFAULT '',
  active tinyint(1) unsigned NOT NULL DEFAULT 0,
  clicks int(10) unsigned NOT NULL DEFAULT 0,
  created_at timestamp NULL DEFAULT NULL,
  updated_at timestamp NULL DEFAULT NULL,
  PRIMARY KEY (id)
) ENGINE=InnoDB;

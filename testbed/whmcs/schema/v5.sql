-- What 5.3 has otherwise than 7.10: no times of change, smaller amounts, numbers with leading zeros, MyISAM.

DROP TABLE tblauthn_account_links;
DROP TABLE tblmodule_configuration;
DROP TABLE tblmodulequeue;
DROP TABLE tbldynamic_translations;

ALTER TABLE tblclients
  MODIFY id int(10) unsigned zerofill NOT NULL AUTO_INCREMENT, MODIFY credit decimal(10,2) NOT NULL,
  DROP COLUMN uuid, DROP COLUMN tax_id, DROP COLUMN marketing_emails_opt_in, DROP COLUMN allow_sso,
  DROP COLUMN email_verified, DROP COLUMN email_preferences, DROP COLUMN created_at, DROP COLUMN updated_at,
  DROP COLUMN pwresetexpiry, ENGINE=MyISAM;

ALTER TABLE tblcontacts
  DROP COLUMN tax_id, DROP COLUMN created_at, DROP COLUMN updated_at, DROP COLUMN pwresetexpiry, ENGINE=MyISAM;

ALTER TABLE tblproductgroups
  DROP COLUMN headline, DROP COLUMN tagline, DROP COLUMN created_at, DROP COLUMN updated_at, ENGINE=MyISAM;

ALTER TABLE tblproducts DROP COLUMN created_at, DROP COLUMN updated_at, ENGINE=MyISAM;

ALTER TABLE tblcustomfields DROP COLUMN created_at, DROP COLUMN updated_at, ENGINE=MyISAM;

ALTER TABLE tblcustomfieldsvalues
  DROP COLUMN id, DROP COLUMN created_at, DROP COLUMN updated_at, ENGINE=MyISAM;

ALTER TABLE tbladdons
  DROP COLUMN type, DROP COLUMN module, DROP COLUMN server_group_id, DROP COLUMN autolinkby,
  DROP COLUMN created_at, DROP COLUMN updated_at, ENGINE=MyISAM;

ALTER TABLE tblhosting
  MODIFY id int(10) unsigned zerofill NOT NULL AUTO_INCREMENT,
  MODIFY firstpaymentamount decimal(10,2) NOT NULL DEFAULT 0.00, MODIFY amount decimal(10,2) NOT NULL DEFAULT 0.00,
  DROP COLUMN termination_date, DROP COLUMN completed_date, DROP COLUMN promocount,
  DROP COLUMN created_at, DROP COLUMN updated_at, ENGINE=MyISAM;

ALTER TABLE tblhostingconfigoptions ENGINE=MyISAM;

ALTER TABLE tblhostingaddons
  DROP COLUMN server, DROP COLUMN firstpaymentamount, DROP COLUMN termination_date, DROP COLUMN subscriptionid,
  DROP COLUMN created_at, DROP COLUMN updated_at, ENGINE=MyISAM;

ALTER TABLE tblinvoices
  DROP COLUMN last_capture_attempt, DROP COLUMN date_refunded, DROP COLUMN date_cancelled, DROP COLUMN paymethodid,
  DROP COLUMN created_at, DROP COLUMN updated_at, ENGINE=MyISAM;

ALTER TABLE tblcancelrequests DROP COLUMN created_at, DROP COLUMN updated_at, ENGINE=MyISAM;
ALTER TABLE tblconfiguration DROP COLUMN created_at, DROP COLUMN updated_at, ENGINE=MyISAM;
